"""What an engine tells about one request on its own clock."""

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(slots=True)
class EngineFacts:
    """Facts on the engine's clock, seconds from its scheduling of the request; None is unstated.

    Token counts stand in where the answer carries no usage. Degrees of parallelism are those of the
    engine that answered.
    """

    time_to_first_token_s: float | None = None
    queue_s: float | None = None
    prefill_s: float | None = None
    decode_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    tensor_parallel_size: int | None = None
    pipeline_parallel_size: int | None = None

    def update(self, other: "EngineFacts | None") -> None:
        """Take over what `other` states."""
        if other is None:
            return
        for item in fields(other):
            value = getattr(other, item.name)
            if value is not None:
                setattr(self, item.name, value)


def seconds(source: Mapping[str, object], name: str, per_second: float) -> float | None:
    """A duration in another unit (`per_second` of it make a second), None if absent or absurd."""
    value = source.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    result = float(value) / per_second
    return result if 0.0 <= result < 1e7 else None


def count(source: Mapping[str, object], name: str) -> int | None:
    """A number of tokens, None if absent or absurd."""
    value = source.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        return None
    return value
