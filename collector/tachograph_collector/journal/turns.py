"""Whose spans are on their way: from a span's look-up to its insert nobody else may insert it.

Each journal says which spans it is sending; drains of other processes go on beside it with any others.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from errno import EDQUOT, ENOSPC
from hashlib import blake2b
from pathlib import Path
from typing import Final

from tachograph_collector.journal.files import open_private, replace_file
from tachograph_store.errors import StoreUnavailable

_MUTEX: Final = "drain.lock"
_LOCK: Final = "sending.lock"
"""Of each journal: locked while it sends; not empty until all it sent has arrived."""
_SPANS: Final = "sending"
"""Of each journal: the spans that it sends, 8 bytes each."""
_ID_BYTES: Final = 8
_POLL_S: Final = 0.01


@contextmanager
def sole_sender(
    folder: Path, span_ids: Sequence[str], settle: Callable[[], None], patience_s: float
) -> Iterator[None]:
    """Hold these spans against the drains of this machine's other collectors.

    `folder` is the journal's, its neighbours are the others'. `settle` is called when whoever sent
    here before has died or failed at it: an insert of it may be running still.

    Raises:
        StoreUnavailable: somebody else has one of the spans all the time.
        OSError: a file cannot be written.
    """
    if not span_ids:
        yield
        return
    mine = _packed(span_ids)
    lock = open_private(folder / _LOCK, os.O_RDWR)
    try:
        deadline = time.monotonic() + patience_s
        while not _has_begun(folder, lock, mine, settle):
            if time.monotonic() > deadline:
                raise StoreUnavailable("another collector is sending the same spans")
            time.sleep(_POLL_S)
        yield
        os.ftruncate(lock, 0)
    finally:
        os.close(lock)


def _has_begun(folder: Path, lock: int, mine: bytes, settle: Callable[[], None]) -> bool:
    """Whether none of the spans was another's; now they are ours."""
    mutex = open_private(folder.parent / _MUTEX, os.O_RDWR)
    try:
        fcntl.flock(mutex, fcntl.LOCK_EX)
        busy, left = _others(folder.parent)
        try:
            if any(_overlap(other, mine) for other in busy):
                return False
            if left:
                settle()
                for descriptor in left:
                    os.ftruncate(descriptor, 0)
        finally:
            for descriptor in left:
                os.close(descriptor)
        if not _has_said(folder / _SPANS, mine) and busy:
            return False
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.ftruncate(lock, 1)  # a length takes no room, a byte would on a full disk
        return True
    finally:
        os.close(mutex)


def _has_said(path: Path, spans: bytes) -> bool:
    """False on a full disk: then it is all spans that are held."""
    try:
        replace_file(path, spans, durable=False)
    except OSError as error:
        if error.errno not in (ENOSPC, EDQUOT):
            raise
        for name in (path, path.with_suffix(".new")):
            name.unlink(missing_ok=True)
        return False
    return True


def _others(journal_dir: Path) -> tuple[list[Path], list[int]]:
    """What journals that send now say of it; open files of those that failed or died at it."""
    busy: list[Path] = []
    left: list[int] = []
    for path in journal_dir.glob(f"*/{_LOCK}"):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:  # its journal was drained to the end
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            busy.append(path.with_name(_SPANS))
            os.close(descriptor)
            continue
        if os.fstat(descriptor).st_size > 0:
            left.append(descriptor)
        else:
            os.close(descriptor)
    return busy, left


def _overlap(path: Path, mine: bytes) -> bool:
    try:
        theirs = path.read_bytes()
    except FileNotFoundError:  # it had no room to say which
        return True
    return not _ids(mine).isdisjoint(_ids(theirs))


def _packed(span_ids: Sequence[str]) -> bytes:
    if set(map(len, span_ids)) <= {2 * _ID_BYTES}:
        with suppress(ValueError):
            return bytes.fromhex("".join(span_ids))
    return b"".join(map(_id, span_ids))


def _id(span: str) -> bytes:
    """The same of one span: those of imports may be named as they like."""
    if len(span) == 2 * _ID_BYTES:
        with suppress(ValueError):
            return bytes.fromhex(span)
    return blake2b(span.encode(), digest_size=_ID_BYTES).digest()


def _ids(packed: bytes) -> frozenset[int]:
    return frozenset(memoryview(packed).cast("Q"))
