"""What the proxy learns from the bytes that passed: facts of a request, its answer, its timing."""
