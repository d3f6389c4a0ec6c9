from collections.abc import Callable
from typing import Any

from tachograph_collector.translate.compiled import Rules

class SpanReader:
    """Makes the rows of usual spans; safe to share between threads, which take turns."""

    def __init__(self, rules: Rules) -> None: ...
    def cut(self, content: bytes) -> list[tuple[bytes, list[tuple[bytes, list[int]]]]] | None: ...
    def kept(self) -> int: ...
    def add(
        self,
        content: bytes,
        places: list[int],
        template: list[Any],
        sender: bytes,
        scope_name: str,
        earliest: int,
        latest: int,
        rows: list[list[Any]],
        left: Callable[[int, bytes], None],
    ) -> None: ...
