"""Where rows lie that the engine refused, and records that were damaged: for people to look at."""

import os
from collections.abc import Sequence
from pathlib import Path

import orjson

from tachograph_collector.journal.files import replace_file
from tachograph_collector.journal.record import Record
from tachograph_store.columns import Columns


class Quarantine:
    """Owner-only files, one a block and subject; a block that is drained again replaces them."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def keep_rows(
        self, name: str, table: str, columns: Columns, reasons: Sequence[tuple[int, str]]
    ) -> bool:
        """Keep refused rows with their reasons, as JSON lines; False when there is no room."""
        lines = [
            orjson.dumps(
                {
                    "table": table,
                    "reason": reason,
                    "row": {name: values[index] for name, values in columns.items()},
                },
                default=str,
            )
            for index, reason in reasons
        ]
        return self._keep(f"{name}-{table}.jsonl", b"\n".join([*lines, b""]))

    def keep_bytes(self, name: str, segment: Path, start: int, stop: int) -> bool:
        """Keep a damaged stretch of a segment; False when there is no room."""
        if stop - start > self._max_bytes:
            return False
        with segment.open("rb") as file:
            content = os.pread(file.fileno(), stop - start, start)
        return self._keep(f"{name}.damaged", content)

    def keep_record(self, name: str, record: Record) -> bool:
        """Keep a record that cannot be read; False when there is no room."""
        return self._keep(f"{name}.damaged", record.packed())

    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(entry.stat().st_size for entry in os.scandir(self._folder))

    def count(self) -> int:
        """How many files there are."""
        return sum(1 for _ in os.scandir(self._folder))

    def _keep(self, name: str, content: bytes) -> bool:
        path = self._folder / name
        before = path.stat().st_size if path.exists() else 0
        if self.size_bytes() - before + len(content) > self._max_bytes:
            return False
        try:
            replace_file(path, content, durable=True)
        except OSError:
            return False
        return True
