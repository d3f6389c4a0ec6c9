"""Machinery behind the public surface; nothing here is stable for applications."""
