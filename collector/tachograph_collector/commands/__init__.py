"""Commands that work on a stack beside a running collector."""
