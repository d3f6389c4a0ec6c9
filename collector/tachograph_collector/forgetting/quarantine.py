"""The quarantine: refused rows of a forgotten subject, and damaged bytes in which its name stands."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tachograph_collector.journal.files import replace_file
from tachograph_collector.journal.folder import QUARANTINE
from tachograph_collector.settings import CollectorSettings
from tachograph_store.settings import home

_WORDS: Final = {"user": ("user", "author"), "session": ("session",)}


def clean_quarantine(
    settings: CollectorSettings,
    kind: str,
    name: str,
    forgotten: Callable[[set[str]], set[str]],
) -> int:
    """Take the subject's rows out; how many rows and damaged files went. Raises `OSError`.

    Args:
        forgotten: of trace ids, those that were forgotten.
    """
    directory = (settings.journal_dir or home() / "journal") / QUARANTINE
    removed = 0
    for path in sorted(directory.iterdir()) if directory.is_dir() else []:
        if path.suffix == ".jsonl":
            removed += _clean_rows(path, kind, name, forgotten)
        elif _holds(path, name):
            # What is damaged cannot be taken apart: the whole stretch goes.
            path.unlink()
            removed += 1
    return removed


def _holds(path: Path, name: str) -> bool:
    content = path.read_bytes()
    return any(spelling in content for spelling in _spellings(name))


def _spellings(name: str) -> set[bytes]:
    """The name as JSON of any writer has it."""
    return {
        name.encode(errors="surrogatepass"),
        json.dumps(name)[1:-1].encode(),
        json.dumps(name, ensure_ascii=False)[1:-1].encode(errors="surrogatepass"),
    }


def _clean_rows(path: Path, kind: str, name: str, forgotten: Callable[[set[str]], set[str]]) -> int:
    lines = path.read_bytes().splitlines(keepends=True)
    rows = [_row(line) for line in lines]
    traces = {str(row.get("trace_id")) for row in rows if row.get("trace_id")}
    own = {str(row.get("trace_id")) for row in rows if _names(row, kind, name)}
    gone = (own | forgotten(traces)) - {"", "None"}
    kept = [
        line
        for line, row in zip(lines, rows, strict=True)
        if not _names(row, kind, name) and row.get("trace_id") not in gone
    ]
    if len(kept) == len(lines):
        return 0
    if kept:
        replace_file(path, b"".join(kept), durable=True)
    else:
        path.unlink()
    return len(lines) - len(kept)


def _row(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)["row"]
    except (ValueError, KeyError, TypeError):
        return {}
    return row if isinstance(row, dict) else {}


def _names(row: dict[str, Any], kind: str, name: str) -> bool:
    maps = [row.get("attributes"), row.get("resource_attributes")] if kind == "user" else []
    return any(row.get(word) == name for word in _WORDS[kind]) or any(
        name in values.values() for values in maps if isinstance(values, dict)
    )
