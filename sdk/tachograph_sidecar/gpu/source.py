"""What can be asked of a GPU: the SDK's own, which reads GPUs of training runs."""

from tachograph._internal.gpu.source import (
    GpuDevice,
    GpuIdentity,
    GpuSource,
    GpuState,
    GpuUnavailable,
)

__all__ = ["GpuDevice", "GpuIdentity", "GpuSource", "GpuState", "GpuUnavailable"]
