"""What NVML says of the GPUs of this machine."""
