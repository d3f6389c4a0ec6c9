"""The embedded engine: chDB in one process behind the ClickHouse HTTP protocol on loopback."""
