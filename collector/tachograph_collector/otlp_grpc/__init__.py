"""OTLP over gRPC, beside OTLP over HTTP and into the same pipeline."""
