"""Alerts: rules over rolling windows, incidents, and signed webhooks.

`rule_file` reads the rules, `evaluate` measures each rule's window and advances its incident by
the pure machine in `state`, `delivery` sends what became due. The store holds all that must
outlive a process: an incident's row is its state, and a delivery's row is written before anything
is sent, so a message goes out at least once, under one `webhook-id`, whatever is killed when.
"""
