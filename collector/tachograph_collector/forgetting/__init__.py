"""Forgetting what lies outside the store: journals and the quarantine of this home."""
