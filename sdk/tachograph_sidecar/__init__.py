"""The process beside the engine: pass-through proxy, GPU monitor, engine scraper, usage shares."""
