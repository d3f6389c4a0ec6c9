"""GPUs as NVML shows them, and their readings as metric points."""
