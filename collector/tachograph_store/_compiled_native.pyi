from collections.abc import Mapping, Sequence
from typing import Any, Protocol

class CompiledPack(Protocol):
    """As `native.Pack`; `head` are bytes that stand before the values, without another copy."""

    def __call__(self, values: Sequence[Any], head: bytes = b"") -> bytes: ...

PACKERS: Mapping[str, CompiledPack]
