"""Subcommands of `tachograph` that the evaluators register."""
