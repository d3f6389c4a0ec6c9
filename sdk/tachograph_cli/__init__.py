"""The `tachograph` command: finds subcommands, supervises the stack, diagnoses it, demonstrates it.

It talks to the services through processes, HTTP and the collector's REST, and imports none of them.
"""
