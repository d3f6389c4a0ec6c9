"""Forgetting a user or a session: out of every table, and out of the files on disk.

What belongs to a user is every whole trace of which any span names that user, in the column `user` or
as the value of an attribute: the words of children are the user's too. With the spans go their scores
and evaluation jobs, scores that the user gave, and alerts that quote the user.

No statement that the engine keeps on disk (it keeps the text of mutations) holds the user's id: traces
are written to a table first, and deleted by it. Each step may be interrupted and done again.
"""

import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tachograph_store.client import Store
from tachograph_store.forget_markers import (
    USER,
    forget_requests,
    new_salt,
    subject_hash,
)
from tachograph_store.mutations import MutationProgress, finish_mutations, mutate
from tachograph_store.retention import effective
from tachograph_store.rollup_marks import mark_dirty
from tachograph_store.rows import ForgetRequestRow
from tachograph_store.writer import Writer

BEGUN: Final = "begun"
DONE: Final = "done"
FAILED: Final = "failed"
COMMAND: Final = "command"
"""Who asked, where it was the command line."""

OF_TRACES: Final = (
    "trace_id IN (SELECT trace_id FROM forgotten_traces "
    "WHERE project = {project:String} AND request_id = {request_id:String})"
)
"""Rows of a request's traces."""

_SCORE_KEY: Final = "concat(trace_id, '/', span_id, '/', toString(span_time), '/', name)"
_MAX_GIVEN: Final = 2_000
_HOUR: Final = timedelta(hours=1)
_SUBJECT: Final = {
    "user": "user = {subject:String} OR has(mapValues(attributes), {subject:String}) "
    "OR has(mapValues(resource_attributes), {subject:String})",
    "session": "session = {subject:String}",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Who is to be forgotten, while the name is known."""

    project: str
    kind: str  # user | session
    name: str


def begin(store: Store, subject: Subject, requested_by: str = COMMAND) -> ForgetRequestRow:
    """Write the marker by which later rows are known, before anything is deleted.

    Asked again for the same subject it is the same request, and holds for what came since. Raises
    `StoreError`.

    Args:
        requested_by: id of the API key that asked, `COMMAND` for the command line.
    """
    known = forget_requests(store, subject.project)
    now = datetime.now(UTC)
    days = effective(store, subject.project)
    expires_on = now.date() + timedelta(days=days.spans_days + 2)
    request = request_of(known, subject)
    if request is None:
        salt = known[0].salt if known else new_salt()
        request = ForgetRequestRow(
            project=subject.project,
            request_id=f"{time.time_ns():016x}",
            kind=subject.kind,
            salt=salt,
            subject_hash=subject_hash(salt, subject.name),
            state=BEGUN,
            requested_at=now,
            expires_on=expires_on,
        )
    begun = replace(
        request,
        state=BEGUN,
        requested_at=now,
        finished_at=None,
        expires_on=expires_on,
        requested_by=requested_by,
        found={} if request.state == DONE else request.found,
        host=socket.gethostname(),
        step="",
        error=None,
    )
    return _enter(store, begun)


def request_of(known: Sequence[ForgetRequestRow], subject: Subject) -> ForgetRequestRow | None:
    """The request for this subject, if there is one among those of its project."""
    for request in known:
        is_kind = request.kind == subject.kind
        if is_kind and request.subject_hash == subject_hash(request.salt, subject.name):
            return request
    return None


def enter_found(
    store: Store, request: ForgetRequestRow, found: Mapping[str, int]
) -> ForgetRequestRow:
    """Enter what there was to delete, for whoever asks later. Raises `StoreError`.

    Where an earlier run did not end, the larger number of both: it may have deleted some already.
    """
    tables = {*request.found, *found}
    return _enter(
        store,
        replace(
            request,
            found={t: max(request.found.get(t, 0), found.get(t, 0)) for t in sorted(tables)},
        ),
    )


def enter_step(store: Store, request: ForgetRequestRow, step: str) -> ForgetRequestRow:
    """Enter what the request is at, and that it is being worked on now. Raises `StoreError`."""
    return _enter(store, replace(request, step=step))


def end(store: Store, request: ForgetRequestRow) -> ForgetRequestRow:
    """Enter that everything is gone. Raises `StoreError`."""
    return _enter(store, replace(request, state=DONE, step="", finished_at=datetime.now(UTC)))


def fail(store: Store, request: ForgetRequestRow, error: str) -> ForgetRequestRow:
    """Enter why not everything is gone; `error` holds no name. Raises `StoreError`."""
    failed = replace(request, state=FAILED, error=error, finished_at=datetime.now(UTC))
    return _enter(store, failed)


def _enter(store: Store, request: ForgetRequestRow) -> ForgetRequestRow:
    Writer(store).write("forget_requests", [request])
    return request


def find_traces(store: Store, subject: Subject, request: ForgetRequestRow) -> int:
    """Write down the subject's traces; how many there are. Raises `StoreError`.

    A trace that is known is not written again: its minutes may be gone from the spans already.
    """
    parameters = {
        "project": subject.project,
        "subject": subject.name,
        "request_id": request.request_id,
        "until": request.requested_at,
        "version": time.time_ns(),
        "expires_on": request.expires_on,
    }
    store.command(
        "INSERT INTO forgotten_traces "
        "(project, trace_id, request_id, since, until, version, expires_on) "
        "SELECT project, trace_id, {request_id:String}, "
        "toDateTime(min(start_time)), toDateTime(max(start_time)), "
        "{version:UInt64}, {expires_on:Date} "
        "FROM spans WHERE project = {project:String} AND trace_id IN ("
        "SELECT trace_id FROM spans WHERE project = {project:String} "
        f"AND start_time <= {{until:DateTime64(6, 'UTC')}} AND ({_SUBJECT[subject.kind]})"
        ") AND trace_id NOT IN ("
        "SELECT trace_id FROM forgotten_traces WHERE project = {project:String} "
        "AND request_id = {request_id:String} AND since > toDateTime(0, 'UTC')) "
        "GROUP BY project, trace_id",
        parameters,
    )
    rows = store.query(
        "SELECT uniqExact(trace_id) AS traces FROM forgotten_traces "
        "WHERE project = {project:String} AND request_id = {request_id:String}",
        parameters,
        name="forget_traces",
    )
    return int(rows[0]["traces"])


def count_rows(store: Store, subject: Subject) -> dict[str, int]:
    """What would be deleted now, by table; changes nothing. Raises `StoreError`."""
    traces = (
        "trace_id IN (SELECT trace_id FROM spans WHERE project = {project:String} "
        f"AND ({_SUBJECT[subject.kind]}))"
    )
    own = " OR author = {subject:String}" if subject.kind == USER else ""
    conditions = {
        "spans": traces,
        "scores": traces + own,
        "jobs": f"kind = 'evaluation' AND {traces}",
    }
    parameters = {"project": subject.project, "subject": subject.name}
    counts = {
        table: int(
            store.query(
                f"SELECT count() AS rows FROM {table} FINAL "
                f"WHERE project = {{project:String}} AND ({condition})",
                parameters,
                name="forget_count",
            )[0]["rows"]
        )
        for table, condition in conditions.items()
    }
    return {**counts, **{t: len(keys) for t, keys in quoting_alerts(store, subject).items()}}


def delete_beside_spans(
    store: Store, subject: Subject, request: ForgetRequestRow
) -> Iterator[MutationProgress]:
    """Delete scores, evaluation jobs and alerts. Raises `StoreError`."""
    parameters = {
        "project": subject.project,
        "request_id": request.request_id,
    }
    conditions: dict[str, tuple[str, Mapping[str, Any]]] = {
        "scores": (OF_TRACES, parameters),
        "jobs": (f"kind = 'evaluation' AND {OF_TRACES}", parameters),
    }
    for table, ids in quoting_alerts(store, subject).items():
        if ids:
            key = "delivery_id" if table == "deliveries" else "incident_id"
            conditions[table] = (f"{key} IN {{ids:Array(String)}}", {**parameters, "ids": ids})
    for table, (condition, values) in conditions.items():
        yield from finish_mutations(store, table)
        where = f"project = {{project:String}} AND ({condition})"
        found = store.query(f"SELECT count() AS rows FROM {table} WHERE {where}", values)
        if found[0]["rows"]:
            yield from mutate(store, table, f"DELETE WHERE {where}", values)
    # The author's name must not stand in the mutation: which rows they are, is said by their keys.
    while subject.kind == USER and (given := _scores_given(store, subject)):
        yield from mutate(
            store,
            "scores",
            f"DELETE WHERE project = {{project:String}} AND {_SCORE_KEY} IN {{given:Array(String)}}",
            {"project": subject.project, "given": given},
        )


def _scores_given(store: Store, subject: Subject) -> list[str]:
    rows = store.query(
        f"SELECT DISTINCT {_SCORE_KEY} AS key FROM scores "
        "WHERE project = {project:String} AND author = {subject:String} "
        f"LIMIT {_MAX_GIVEN}",
        {"project": subject.project, "subject": subject.name},
        name="forget_given",
    )
    return [row["key"] for row in rows]


def quoting_alerts(store: Store, subject: Subject) -> dict[str, list[str]]:
    """Ids of incidents, and of deliveries, whose texts hold the name as a word. Raises `StoreError`."""
    word = rf"(^|[^\pL\pN_]){re.escape(subject.name)}($|[^\pL\pN_])"
    parameters = {"project": subject.project, "word": word}
    incidents = store.query(
        "SELECT DISTINCT incident_id AS id FROM incidents WHERE project = {project:String} "
        "AND (match(segment, {word:String}) OR match(summary, {word:String}) "
        "OR match(ifNull(acknowledged_by, ''), {word:String})) LIMIT 100000",
        parameters,
        name="forget_incidents",
    )
    deliveries = store.query(
        "SELECT DISTINCT delivery_id AS id FROM deliveries WHERE project = {project:String} "
        "AND (match(body, {word:String}) OR match(ifNull(error, ''), {word:String})) LIMIT 100000",
        parameters,
        name="forget_deliveries",
    )
    return {
        "incidents": [row["id"] for row in incidents],
        "deliveries": [row["id"] for row in deliveries],
    }


def mark_rollups(store: Store, request: ForgetRequestRow) -> int:
    """Have the rollups of the traces' hours computed again; how many hours. Raises `StoreError`."""
    rows = store.rows(
        "forgotten_hours", {"project": request.project, "request_id": request.request_id}
    )
    hours = [row["hour"] for row in rows]
    begun: int | None = None
    for index, hour in enumerate(hours):
        begun = hour if begun is None else begun
        if index + 1 == len(hours) or hours[index + 1] != hour + 1:
            mark_dirty(store, request.project, _of_hour(begun), _of_hour(hour) + _HOUR)
            begun = None
    return len(hours)


def _of_hour(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, UTC)
