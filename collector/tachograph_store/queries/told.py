"""Answers whose text is not on their span: instrumentations may send messages as log records.

Such an event is a row of its own below the span that it belongs to, and comes before it or after it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from tachograph_store.client import Store
from tachograph_store.message_events import AFTER, BEFORE, DETAILS, OF_ANSWERS, OF_EVENTS
from tachograph_store.queries import run
from tachograph_store.queries.evaluation import (
    AnswerKey,
    AnswerText,
    Candidate,
    Repeat,
    evaluation_answers,
    evaluation_candidates,
    evaluation_missing,
    repeats_of,
)

_EVENTS_PER_ANSWER: Final = 500
_BEFORE_NS: Final = BEFORE // timedelta(microseconds=1) * 1000
_AFTER_NS: Final = AFTER // timedelta(microseconds=1) * 1000
_NEW_US: Final = 600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What events say of one answer: JSON of messages, or plain text."""

    prompt: str | None
    prompt_hash: int  # as of an answer with the same prompt on its span, if it came in one event
    asked_hash: int  # of the last event with a prompt
    completion: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    trace_id: str
    span_id: str  # of the answer
    name: str
    prompt: str | None
    prompt_hash: int
    completion: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bare:
    trace_id: str
    span_id: str
    start_ns: int
    model: str | None


def find_candidates(
    store: Store,
    sinces_us: Mapping[str, int],
    since_us: int,
    until_us: int,
    evaluators: Sequence[str],
    limit: int,
) -> list[Candidate]:
    """As `evaluation_candidates`, with answers whose events were stored in the project's window."""
    found = evaluation_candidates(store, sinces_us, since_us, until_us, evaluators, limit)
    # A project without a cursor is new: further back only the hourly comparison looks.
    new_us = max(since_us, until_us - _NEW_US)
    by_project: dict[str, list[Candidate]] = {}
    for candidate in found:
        by_project.setdefault(candidate.project, []).append(candidate)
    for project in _told_projects(store, "", min([new_us, *sinces_us.values()])):
        begin_us = sinces_us.get(project, new_us)
        told = _told_candidates(
            store, project, begin_us, until_us, evaluators, limit, reads_scores=False
        )
        by_project[project] = _first(by_project.get(project, []), told, limit)
    return [candidate for of_project in by_project.values() for candidate in of_project]


def find_missing(
    store: Store, project: str, since_us: int, until_us: int, evaluators: Sequence[str], limit: int
) -> list[Candidate]:
    """As `evaluation_missing`, with answers whose events were stored in [since, until)."""
    found = evaluation_missing(store, project, since_us, until_us, evaluators, limit)
    if not _told_projects(store, project, since_us):
        return found
    told = _told_candidates(
        store, project, since_us, until_us, evaluators, limit, reads_scores=True
    )
    return _first(found, told, limit)


def find_texts(store: Store, project: str, keys: Sequence[AnswerKey]) -> list[AnswerText]:
    """As `evaluation_answers`; where a span has no answer, what its events say."""
    texts = evaluation_answers(store, project, keys)
    bare = [text for text in texts if not text.completion]
    if not bare:
        return texts
    told = _told_texts(store, project, bare)
    return [
        _filled(text, told[text.trace_id, text.span_id])
        if not text.completion and (text.trace_id, text.span_id) in told
        else text
        for text in texts
    ]


def _filled(text: AnswerText, told: Told) -> AnswerText:
    if text.prompt or not told.prompt:
        return replace(text, completion=told.completion)
    return replace(
        text,
        completion=told.completion,
        prompt=told.prompt,
        prompt_hash=told.prompt_hash,
        asked_hash=told.asked_hash,
    )


def has_told(
    store: Store, selected: Mapping[str, object], quiet_partitions: Sequence[str] = ()
) -> bool:
    """Whether any answer in a range may have its text in events: `selected` is the project and the
    range (`since_ns`, `until_ns`), but for events of some days."""
    parameters = {
        **selected,
        **OF_EVENTS,
        "has_told": True,
        "quiet_partitions": list(quiet_partitions),
    }
    return bool(store.rows("told_any", parameters)[0]["has_some"])


def find_told_repeats(
    store: Store,
    project: str,
    keys: Sequence[AnswerKey],
    asked_hashes: Sequence[int],
    before_s: float,
    samples: int,
    max_bytes: int,
) -> list[Repeat]:
    """As `evaluation_repeats`, of answers whose text came in events; `asked_hashes` are of `AnswerText`.

    Others than those to the very prompts may be among them: compare `prompt_hash`.
    """
    found = run(
        store,
        "evaluation_told_repeats",
        _Bare,
        **repeats_of(project, keys, asked_hashes, before_s, samples),
        **OF_EVENTS,
    )
    if not found:
        return []
    told = _told_texts(store, project, found)
    repeats = []
    for one in found:
        text = told.get((one.trace_id, one.span_id))
        if text and text.completion and len(text.completion.encode()) <= max_bytes:
            repeats.append(
                Repeat(
                    prompt_hash=text.prompt_hash,
                    model=one.model,
                    trace_id=one.trace_id,
                    span_id=one.span_id,
                    completion=text.completion,
                )
            )
    return repeats


def _first(one: Sequence[Candidate], other: Sequence[Candidate], limit: int) -> list[Candidate]:
    """The longest stored of both, as if one query had given them."""
    together = sorted((*one, *other), key=lambda c: (c.stored_us, c.trace_id, c.span_id))
    return together[:limit]


def _told_projects(store: Store, project: str, since_us: int) -> list[str]:
    parameters = {"project": project, "since_us": since_us, **OF_EVENTS}
    return sorted(row["project"] for row in store.rows("evaluation_told_projects", parameters))


def _told_candidates(
    store: Store,
    project: str,
    since_us: int,
    until_us: int,
    evaluators: Sequence[str],
    limit: int,
    *,
    reads_scores: bool,
) -> list[Candidate]:
    return run(
        store,
        "evaluation_told",
        Candidate,
        project=project,
        since_us=since_us,
        until_us=until_us,
        evaluators=list(evaluators),
        **OF_ANSWERS,
        reads_scores=reads_scores,
        limit=limit,
    )


def _told_texts(
    store: Store, project: str, texts: Sequence[AnswerText | _Bare]
) -> dict[tuple[str, str], Told]:
    rows = run(
        store,
        "evaluation_told_texts",
        _Event,
        project=project,
        since_ns=min(text.start_ns for text in texts) - _BEFORE_NS,
        until_ns=max(text.start_ns for text in texts) + _AFTER_NS,
        trace_ids=sorted({text.trace_id for text in texts}),
        span_ids=sorted({text.span_id for text in texts}),
        **OF_EVENTS,
        limit=_EVENTS_PER_ANSWER * len(texts),
    )
    events: dict[tuple[str, str], list[_Event]] = {}
    for row in rows:
        events.setdefault((row.trace_id, row.span_id), []).append(row)
    return {key: _told(of_answer) for key, of_answer in events.items()}


def _told(events: Sequence[_Event]) -> Told:
    prompts = [event for event in events if event.prompt]
    whole = [event for event in prompts if event.name == DETAILS]
    hashes = [event.prompt_hash for event in whole[-1:] or prompts] or [0]
    return Told(
        prompt=_together([(event.name, event.prompt) for event in prompts]),
        prompt_hash=hashes[0] if len(hashes) == 1 else _hash_of(hashes),
        asked_hash=hashes[-1],
        completion=_together([(event.name, event.completion) for event in events]),
    )


def _hash_of(hashes: Sequence[int]) -> int:
    """One of several, which no single text is likely to have."""
    digest = hashlib.blake2b(",".join(map(str, hashes)).encode(), digest_size=8).digest()
    return int.from_bytes(digest)


def _together(texts: Sequence[tuple[str, str | None]]) -> str | None:
    """One text of all; the last event that has the whole conversation says it alone."""
    said = [text for _, text in texts if text]
    whole = [text for name, text in texts if text and name == DETAILS]
    if not said:
        return None
    if whole or len(said) == 1:
        return (whole or said)[-1]
    messages: list[Mapping[str, object]] = []
    for text in said:
        try:
            parsed = json.loads(text)
        except ValueError:
            return "\n".join(said)
        if not isinstance(parsed, list):
            return "\n".join(said)
        messages += parsed
    return json.dumps(messages, ensure_ascii=False)
