"""How an engine was started: what the sidecar records as the variant of its answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

AskEngine = Callable[[str], Mapping[str, object]]
"""GET a path of the engine as a JSON object; empty where it gives none."""

MAX_MODELS = 1024
"""Served models remembered of one engine."""

MAX_NAME_CHARS = 512


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A name that requests may ask for.

    Attributes:
        weights: the base model's weights as the engine names them, a hub's name or a path.
        adapter: the LoRA adapter put on them, None for the base model.
    """

    weights: str | None = None
    adapter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What an engine says of itself; None is unstated.

    Attributes:
        version: of the engine.
        weights: of an engine that serves one model, whatever requests call it.
        quantization: the method by which weights are compressed.
        tensor_parallel_size: devices that each layer is split over.
        pipeline_parallel_size: stages that the layers are split into.
        attention_backend: the attention kernels that were asked for.
        models: by the names that requests use.
    """

    version: str | None = None
    weights: str | None = None
    quantization: str | None = None
    tensor_parallel_size: int | None = None
    pipeline_parallel_size: int | None = None
    attention_backend: str | None = None
    models: Mapping[str, ServedModel] = field(default_factory=dict)


UNSTATED = Deployment()
"""Of an engine that says nothing of itself."""


def name_in(source: Mapping[str, object], key: str) -> str | None:
    """A name, None if absent, empty or longer than any name is."""
    value = source.get(key)
    return value if isinstance(value, str) and 0 < len(value) <= MAX_NAME_CHARS else None


def table_in(source: Mapping[str, object], key: str) -> Mapping[str, object]:
    """A JSON object inside another, empty if absent."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}
