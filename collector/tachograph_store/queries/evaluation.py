"""What the planner, the sweep and the scoring tasks ask of the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tachograph.semconv.values import GENERATIVE_OPERATIONS
from tachograph_store.client import Store
from tachograph_store.queries import run

_ALL_PROJECTS = ""
_OPERATIONS = sorted(GENERATIVE_OPERATIONS)
_SPANS_PER_TRACE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerKey:
    """Where one answer stands; `start_us` is its start in whole microseconds, as in `jobs`."""

    trace_id: str
    span_id: str
    start_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An answer that lacks some evaluation; `evaluators` are those it does not lack."""

    project: str
    trace_id: str
    span_id: str
    start_ns: int
    stored_us: int
    text_bytes: int
    model: str | None
    tenant: str | None
    operation: str | None
    evaluators: Sequence[str]  # name@version

    @property
    def key(self) -> AnswerKey:
        """Its identity."""
        return AnswerKey(
            trace_id=self.trace_id, span_id=self.span_id, start_us=self.start_ns // 1000
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerText:
    """What is judged, as recorded: JSON of messages or plain text."""

    trace_id: str
    span_id: str
    parent_span_id: str
    start_ns: int
    stored_us: int
    prompt: str | None
    prompt_hash: int  # 64 bits: equal for equal prompts
    asked_hash: int  # of the last of its messages, where these came apart; else the same
    completion: str | None
    context: str | None
    finish_reasons: Sequence[str]
    perplexity: float | None
    model: str | None
    tenant: str | None
    variant: str | None
    expires_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """A span of the same trace."""

    trace_id: str
    span_id: str
    parent_span_id: str
    start_ns: int
    operation: str | None
    observer: str
    context: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """An answer to a prompt that was asked again."""

    prompt_hash: int
    model: str | None
    trace_id: str
    span_id: str
    completion: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An evaluation that left scores; `is_error` when it failed."""

    trace_id: str
    span_id: str
    evaluator: str
    evaluator_version: str
    is_error: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DueLease:
    """A lease that nobody took (`leased`), a worker that died (`running`), a failure whose pause is
    over (`failed`)."""

    project: str
    trace_id: str
    span_id: str
    evaluator: str
    evaluator_version: str
    state: str
    attempt: int
    error: str | None
    sample_rate: float
    created_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    project: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cursor:
    cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _ProjectCursor:
    project: str
    cursor: str


def evaluation_projects(store: Store, since_us: int) -> list[str]:
    """Projects that stored a model call since then (microseconds since the epoch)."""
    rows = run(
        store,
        "evaluation_projects",
        _Project,
        project=_ALL_PROJECTS,
        since_us=since_us,
        operations=_OPERATIONS,
    )
    return [row.project for row in rows]


def evaluation_cursor(store: Store, project: str, job: str) -> str | None:
    """The position that a job saved, None before its first time."""
    rows = run(store, "evaluation_cursor", _Cursor, project=project, job=job)
    return rows[0].cursor if rows else None


def evaluation_cursors(store: Store, job: str) -> dict[str, str]:
    """The position that a job saved, by project."""
    rows = run(store, "evaluation_cursors", _ProjectCursor, project=_ALL_PROJECTS, job=job)
    return {row.project: row.cursor for row in rows}


def evaluation_candidates(
    store: Store,
    sinces_us: Mapping[str, int],
    since_us: int,
    until_us: int,
    evaluators: Sequence[str],
    limit: int,
) -> list[Candidate]:
    """Answers of every project without a lease for each of `evaluators` (name@version).

    Stored from the project's instant in `sinces_us` (from `since_us` where it has none) to before
    `until_us`, all in microseconds; at most `limit` of a project, the longest stored first.
    """
    projects = sorted(sinces_us)
    return run(
        store,
        "evaluation_candidates",
        Candidate,
        project=_ALL_PROJECTS,
        projects=projects,
        sinces_us=[sinces_us[project] for project in projects],
        oldest_us=min([since_us, *sinces_us.values()]),
        since_us=since_us,
        until_us=until_us,
        evaluators=list(evaluators),
        operations=_OPERATIONS,
        limit=limit,
    )


def evaluation_missing(
    store: Store, project: str, since_us: int, until_us: int, evaluators: Sequence[str], limit: int
) -> list[Candidate]:
    """Answers stored in [since, until) that lack scores and have no open lease."""
    return run(
        store,
        "evaluation_missing",
        Candidate,
        project=project,
        projects=[],
        sinces_us=[],
        oldest_us=since_us,
        since_us=since_us,
        until_us=until_us,
        evaluators=list(evaluators),
        operations=_OPERATIONS,
        limit=limit,
    )


def evaluation_answers(store: Store, project: str, keys: Sequence[AnswerKey]) -> list[AnswerText]:
    """The texts of these answers; those that are no longer stored are missing."""
    return run(
        store,
        "evaluation_answers",
        AnswerText,
        project=project,
        limit=10 * len(keys),
        **_named(keys),
    )


def evaluation_relatives(
    store: Store, project: str, keys: Sequence[AnswerKey], margin_s: float
) -> list[Relative]:
    """All spans of the answers' traces that began within `margin_s` of them."""
    since_ns, until_ns = _range(keys)
    trace_ids = sorted({key.trace_id for key in keys})
    margin_ns = int(margin_s * 1e9)
    return run(
        store,
        "evaluation_relatives",
        Relative,
        project=project,
        since_ns=since_ns - margin_ns,
        until_ns=until_ns + margin_ns,
        trace_ids=trace_ids,
        limit=_SPANS_PER_TRACE * len(trace_ids),
    )


def evaluation_repeats(
    store: Store,
    project: str,
    keys: Sequence[AnswerKey],
    prompt_hashes: Sequence[int],
    before_s: float,
    samples: int,
    max_bytes: int,
) -> list[Repeat]:
    """Answers to these prompts that began from `before_s` before the first of `keys` to the last.

    At most `samples` of each prompt and model, the newest first; none that was asked for at
    temperature 0, none of more than `max_bytes`. The answers of `keys` may be among them.
    """
    return run(
        store,
        "evaluation_repeats",
        Repeat,
        **repeats_of(project, keys, prompt_hashes, before_s, samples),
        max_bytes=max_bytes,
    )


def repeats_of(
    project: str,
    keys: Sequence[AnswerKey],
    prompt_hashes: Sequence[int],
    before_s: float,
    samples: int,
) -> dict[str, Any]:
    """Parameters of the questions for other answers to some prompts."""
    since_ns, until_ns = _range(keys)
    return {
        "project": project,
        "since_ns": since_ns - int(before_s * 1e9),
        "until_ns": until_ns,
        "prompt_hashes": sorted(set(prompt_hashes)),
        "operations": _OPERATIONS,
        "samples": samples,
        "limit": 100 * samples,
    }


def evaluation_scored(store: Store, project: str, keys: Sequence[AnswerKey]) -> list[Settled]:
    """Evaluations of these answers that have left scores, by any evaluator and version."""
    return run(store, "evaluation_scored", Settled, project=project, limit=100_000, **_named(keys))


def evaluation_due(store: Store, now_us: int, limit: int) -> list[DueLease]:
    """Leases of every project whose time is over: at most `limit` of a project, the longest overdue
    first."""
    return run(store, "evaluation_due", DueLease, project=_ALL_PROJECTS, now_us=now_us, limit=limit)


def _named(keys: Sequence[AnswerKey]) -> dict[str, object]:
    """Parameters that name these answers."""
    since_ns, until_ns = _range(keys)
    return {
        "since_ns": since_ns,
        "until_ns": until_ns,
        "trace_ids": sorted({key.trace_id for key in keys}),
        "span_ids": sorted({key.span_id for key in keys}),
    }


def _range(keys: Sequence[AnswerKey]) -> tuple[int, int]:
    starts = [key.start_us for key in keys]
    return min(starts) * 1000, max(starts) * 1000 + 999
