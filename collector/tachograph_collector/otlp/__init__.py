"""OTLP over HTTP: bytes to protobuf messages and back."""
