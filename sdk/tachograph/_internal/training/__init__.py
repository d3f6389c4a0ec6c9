"""Recording of training runs."""
