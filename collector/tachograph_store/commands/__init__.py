"""Subcommands of `tachograph` that belong to the store."""
