"""NVML: the SDK's own reader, which reads GPUs of training runs."""

from tachograph._internal.gpu.nvml import NvmlDevice, NvmlSource

__all__ = ["NvmlDevice", "NvmlSource"]
