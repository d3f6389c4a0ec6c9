"""Recording of calls made with the `openai` package, by shape: nothing here imports it."""
