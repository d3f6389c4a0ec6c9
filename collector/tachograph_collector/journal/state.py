"""How far a journal's drain is, and the books since their last line: one file, replaced whole."""

import json
import logging
import os
import uuid
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any, Final, NamedTuple

from tachograph_collector.books import Account
from tachograph_collector.journal.files import open_private, replace_file, write_all

_LOGGER = logging.getLogger(__name__)
_STATE: Final = "state.json"
_INTENT: Final = "intent.json"
_RESERVE: Final = "reserve"
_RESERVE_BYTES: Final = 256 * 1024


class Position(NamedTuple):
    """A place in a journal: all before it is drained."""

    segment: int
    offset: int


@dataclass(slots=True)
class Line:
    """A frozen line of the books, kept until it is in the store."""

    account: Account
    sequence: int
    time_ns: int
    count: int


@dataclass(slots=True)
class State:
    """What a drain must know after a crash."""

    books: str = field(default_factory=lambda: str(uuid.uuid4()))
    """`LedgerRow.collector` of this journal's lines."""
    position: Position = field(default_factory=lambda: Position(0, 0))
    block: int = 1
    """Number of the next block."""
    record: int = 0
    """Number of the next record; 0 when it is not known."""
    version: int = 0
    """The highest version that was given to a row: clocks may go back."""
    sequence: int = 0
    """Number of the last minute's lines of the books."""
    frozen: int = 0
    """How often lines were frozen; names the file of totals that belongs to this state."""
    unwritten: Counter[Account] = field(default_factory=Counter)
    """Fates of drained records since then."""
    lines: list[Line] = field(default_factory=list)
    """Lines on their way to the store."""
    lines_version: int = 0
    """The version of their rows."""
    shown_waiting: Counter[Account] = field(default_factory=Counter)
    """What the last lines said of waiting records."""

    def begin_books(self) -> None:
        """Go on under new books: what the old ones said stands, and is added to no more."""
        self.books = str(uuid.uuid4())
        self.sequence = self.frozen = 0
        self.lines.clear()
        self.shown_waiting.clear()

    def save(self, folder: Path) -> None:
        """Replace the file, also on a full disk. Raises `OSError`."""
        document = {
            "books": self.books,
            "position": self.position,
            "block": self.block,
            "record": self.record,
            "version": self.version,
            "sequence": self.sequence,
            "frozen": self.frozen,
            "unwritten": listed(self.unwritten),
            "lines": [[*ln.account, ln.sequence, ln.time_ns, ln.count] for ln in self.lines],
            "lines_version": self.lines_version,
            "shown_waiting": listed(self.shown_waiting),
        }
        write_reserved(folder, _STATE, json.dumps(document).encode(), durable=True)

    @classmethod
    def load(cls, folder: Path) -> "State":
        """The state as saved; a new one when there is none or it cannot be read."""
        try:
            document = json.loads((folder / _STATE).read_bytes())
            return cls(
                books=document["books"],
                position=Position(*document["position"]),
                block=document["block"],
                record=document["record"],
                version=document["version"],
                sequence=document["sequence"],
                frozen=document.get("frozen", 0),
                unwritten=counted(document["unwritten"]),
                lines=[Line(Account(*item[:5]), *item[5:]) for item in document["lines"]],
                lines_version=document.get("lines_version", document["version"]),
                shown_waiting=counted(document["shown_waiting"]),
            )
        except FileNotFoundError:
            # The same name each time: what is sent before the first checkpoint is booked under it.
            is_new = not any(folder.glob("totals-*.json"))
            return cls(books=folder.name) if is_new else cls()
        except (ValueError, KeyError, TypeError) as error:
            _LOGGER.error(
                "%s cannot be read (%s): the journal is drained from its beginning; spans that "
                "are stored already count as duplicates",
                folder / _STATE,
                error,
            )
            return cls()


@dataclass(frozen=True, slots=True)
class Intent:
    """The block that is being sent: its end, and what was decided on each of its rows."""

    block: int
    end: Position
    version: int
    fates: str
    """Of the spans."""
    rows: Mapping[str, str] = field(default_factory=dict)
    """Of other tables, where some rows were there already."""

    def save(self, folder: Path) -> None:
        """Replace the file; a crash of the process cannot tear it. Raises `OSError`."""
        document = {
            "block": self.block,
            "end": self.end,
            "version": self.version,
            "fates": self.fates,
            "rows": dict(self.rows),
        }
        # Not synced: when the power goes, what the engine had not synced goes too, and a block
        # planned anew finds what is left.
        write_reserved(folder, _INTENT, json.dumps(document).encode(), durable=False)

    @classmethod
    def load(cls, folder: Path, block: int) -> "Intent | None":
        """The intent for that block, None when nothing of it was sent."""
        try:
            document = json.loads((folder / _INTENT).read_bytes())
            intent = cls(
                block=document["block"],
                end=Position(*document["end"]),
                version=document["version"],
                fates=document["fates"],
                rows=document.get("rows", {}),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return intent if intent.block == block else None


def keep_reserve(folder: Path) -> None:
    """Hold room for the files above, as far as the disk has it."""
    path = folder / _RESERVE
    if path.exists():
        return
    descriptor = open_private(path, os.O_WRONLY)
    try:
        write_all(descriptor, bytes(_RESERVE_BYTES))
    except OSError:
        path.unlink()
    finally:
        os.close(descriptor)


def write_reserved(folder: Path, name: str, content: bytes, *, durable: bool) -> None:
    """Replace a file; on a full disk the reserve gives the room. Raises `OSError`."""
    path = folder / name
    try:
        replace_file(path, content, durable=durable)
    except OSError as error:
        if error.errno not in (ENOSPC, EDQUOT):
            raise
        with suppress(FileNotFoundError):
            (folder / _RESERVE).unlink()
        replace_file(path, content, durable=durable)


def listed(counts: "Counter[Account]") -> list[list[Any]]:
    """Counts as JSON has them."""
    return [[*account, count] for account, count in counts.items()]


def counted(items: list[list[Any]]) -> "Counter[Account]":
    """The opposite."""
    return Counter({Account(*item[:5]): item[5] for item in items})
