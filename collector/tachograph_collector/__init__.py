"""OTLP in, REST out: authenticate, translate, price, store, acknowledge."""
