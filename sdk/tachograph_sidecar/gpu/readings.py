"""GPU readings as metric points: the SDK's own, which sends those of training runs."""

from tachograph._internal.gpu.readings import to_points

__all__ = ["to_points"]
