"""Redaction of answers before the client gets them: off unless `--redact` names types."""
