"""Rows of forgotten users that arrive after they were forgotten: retries, journals, imports."""

import hashlib
import secrets
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tachograph_store.client import Store
from tachograph_store.columns import Columns
from tachograph_store.queries import run
from tachograph_store.queries.selection import nanoseconds
from tachograph_store.rows import ForgetRequestRow, ScoreRow

CACHE_S: Final = 2.0
"""Seconds after which a drain asks again whom a project forgot."""

USER: Final = "user"
SESSION: Final = "session"
_MAX_PROJECTS: Final = 10_000
_HASH_BYTES: Final = 32


def new_salt() -> str:
    """A salt for the hashes of one project."""
    return secrets.token_hex(16)


def subject_hash(salt: str, subject: str) -> str:
    """What is kept of a user's or session's name: nobody finds the name by it but by guessing."""
    digest = hashlib.blake2b(digest_size=_HASH_BYTES, key=salt.encode())
    digest.update(subject.encode(errors="surrogatepass"))
    return digest.hexdigest()


def forget_requests(store: Store, project: str) -> list[ForgetRequestRow]:
    """Whom the project forgot, the newest first; at most 10,000. Raises `StoreError`."""
    return run(store, "forget_requests", ForgetRequestRow, project=project)


@dataclass(frozen=True, slots=True)
class _Marks:
    """Hash -> until when (ns) its rows are forgotten, by kind; all hashes of a project share a salt."""

    salt: str
    until_ns: dict[tuple[str, str], int]


class ForgetMarkers:
    """Tells which rows are forgotten; safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, _Marks | None]] = {}

    def spans(self, columns: Columns) -> list[int]:
        """Indexes of spans that are forgotten. Raises `StoreError`.

        A span that names a forgotten user and began before the request, and with it the whole trace:
        that it is one is kept, so that its other spans are known when they come in another block.
        """
        found: list[int] = []
        for project, marks, indexes in self._marked(columns["project"]):
            hits = [
                index
                for index in indexes
                if self._is_marked(marks, columns, index, columns["start_time"][index])
            ]
            traces = columns["trace_id"]
            fresh = {traces[index] for index in hits}
            known = self._forgotten(project, {traces[index] for index in indexes})
            self._keep(project, fresh - known)
            forgotten = fresh | known
            found += [index for index in indexes if traces[index] in forgotten]
        return found

    def scores(self, columns: Columns) -> list[int]:
        """Indexes of scores that are forgotten: of forgotten traces, or given by a forgotten user."""
        found: list[int] = []
        for project, marks, indexes in self._marked(columns["project"]):
            traces = columns["trace_id"]
            known = self._forgotten(project, {traces[index] for index in indexes})
            for index in indexes:
                author = columns["author"][index]
                until_ns = marks.until_ns.get((USER, subject_hash(marks.salt, author)), -1)
                is_own = bool(author) and nanoseconds(columns["created_at"][index]) <= until_ns
                if is_own or traces[index] in known:
                    found.append(index)
        return found

    def kept_scores(self, rows: Sequence[ScoreRow]) -> Sequence[ScoreRow]:
        """The scores that are not forgotten. Raises `StoreError`."""
        names = ("project", "trace_id", "author", "created_at")
        forgotten = set(self.scores({name: [getattr(row, name) for row in rows] for name in names}))
        return [row for index, row in enumerate(rows) if index not in forgotten]

    def _marked(self, projects: Sequence[str]) -> list[tuple[str, _Marks, list[int]]]:
        """Projects of the rows that forgot someone, with the indexes of their rows."""
        marked = []
        for project in sorted(set(projects)):
            marks = self._marks(project)
            if marks is not None:
                indexes = [index for index, owner in enumerate(projects) if owner == project]
                marked.append((project, marks, indexes))
        return marked

    def _is_marked(self, marks: _Marks, columns: Columns, index: int, time_ns: int) -> bool:
        for kind in (USER, SESSION):
            subject = columns[kind][index]
            if subject is not None:
                until_ns = marks.until_ns.get((kind, subject_hash(marks.salt, subject)))
                if until_ns is not None and time_ns <= until_ns:
                    return True
        return False

    def _marks(self, project: str) -> _Marks | None:
        now = time.monotonic()
        with self._lock:
            known = self._known.get(project)
        if known is not None and now - known[0] < CACHE_S:
            return known[1]
        rows = forget_requests(self._store, project)
        marks = None
        if rows:
            until_ns: dict[tuple[str, str], int] = {}
            for row in rows:
                key = (row.kind, row.subject_hash)
                until_ns[key] = max(until_ns.get(key, 0), nanoseconds(row.requested_at))
            marks = _Marks(rows[0].salt, until_ns)
        with self._lock:
            if len(self._known) >= _MAX_PROJECTS:
                self._known.clear()
            self._known[project] = (now, marks)
        return marks

    def _forgotten(self, project: str, trace_ids: set[str]) -> set[str]:
        parameters: dict[str, Any] = {"project": project, "trace_ids": sorted(trace_ids)}
        return {row["trace_id"] for row in self._store.rows("forgotten_traces", parameters)}

    def _keep(self, project: str, trace_ids: set[str]) -> None:
        if not trace_ids:
            return
        newest = forget_requests(self._store, project)[0]
        self._store.command(
            "INSERT INTO forgotten_traces "
            "SELECT {project:String}, arrayJoin({trace_ids:Array(String)}), {request_id:String}, "
            "toDateTime(0, 'UTC'), toDateTime(0, 'UTC'), {version:UInt64}, {expires_on:Date}",
            {
                "project": project,
                "trace_ids": sorted(trace_ids),
                "request_id": newest.request_id,
                "version": time.time_ns(),
                "expires_on": newest.expires_on,
            },
        )
