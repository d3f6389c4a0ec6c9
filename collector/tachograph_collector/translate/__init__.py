"""OTLP messages to rows: which attribute fills which column is data in `columns`."""
