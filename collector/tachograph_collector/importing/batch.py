"""What an import reads out of a file, some rows at a time."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

IMPORT_SOURCE: Final = "import"
"""Source in the books of records that name no service."""


@dataclass(slots=True)
class Batch:
    """Rows of one signal, and records that were refused."""

    signal: str  # spans | metrics | logs
    tables: dict[str, list[Any]] = field(default_factory=dict)
    """Rows by table."""
    sources: dict[str, list[str]] = field(default_factory=dict)
    """Of each row its source, by table."""
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Records by source and `RejectReason`."""
    read_bytes: int = 0
    """Bytes of the input that this stands for."""

    def add(self, table: str, row: Any, source: str) -> None:
        """Put a row in."""
        self.tables.setdefault(table, []).append(row)
        self.sources.setdefault(table, []).append(source)

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(map(len, self.tables.values()))
