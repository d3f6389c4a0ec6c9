"""Counted requests added up: from rollups, and from spans where the rollups do not know them yet."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

from tachograph_store.client import Store
from tachograph_store.histogram import quantiles_s
from tachograph_store.queries.counted_pieces import WHOLE, counted_pieces
from tachograph_store.queries.selection import Selection

Dimension = Literal["model", "tenant", "variant", "currency"]

_LEVELS: Final = (0.5, 0.95, 0.99)


class Group(NamedTuple):
    """What is told apart; a dimension not asked for, or unknown, is ''. `step`: its first second."""

    step: int
    model: str
    tenant: str
    variant: str
    currency: str

    @property
    def starts_at(self) -> datetime:
        """When the step begins."""
        return datetime.fromtimestamp(self.step, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedSums:
    """Sums of some requests; None where no request has the fact, `without_*` say how many lack it.

    Cached tokens are part of the input, reasoning tokens of the output; `*_priced_tokens` are input
    and output of requests that have that price.
    """

    requests: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    reasoning_tokens: int | None
    without_tokens: int
    list_cost: Decimal | None
    without_list_cost: int
    list_priced_tokens: int | None
    compute_cost: Decimal | None
    without_compute_cost: int
    compute_priced_tokens: int | None
    reported_cost: Decimal | None
    gpu_seconds: float | None
    energy_j: float | None
    without_energy: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The requests of one group. Percentiles are (p50, p95, p99) in seconds, see `histogram`."""

    group: Group
    sums: CountedSums
    currencies: Sequence[str]
    durations_s: Sequence[float | None]
    first_chunks_s: Sequence[float | None]
    with_first_chunk: int


class _Sum:
    """Grows row by row."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = dict.fromkeys(_FACTS)
        self.currencies: set[str] = set()
        self.durations: Counter[int] = Counter()
        self.first_chunks: Counter[int] = Counter()

    def add(self, row: Mapping[str, Any]) -> None:
        for name in _FACTS:
            if (value := row[name]) is not None:
                before = self.facts[name]
                self.facts[name] = value if before is None else before + value
        if row["currency"]:
            self.currencies.add(row["currency"])
        for histogram, name in (
            (self.durations, "durations"),
            (self.first_chunks, "first_chunks"),
        ):
            for bucket, count in _counts(row[name]):
                histogram[bucket] += count

    def as_group(self, group: Group) -> Counted:
        return Counted(
            group=group,
            sums=CountedSums(**self.facts),
            currencies=sorted(self.currencies),
            durations_s=quantiles_s(self.durations, _LEVELS),
            first_chunks_s=quantiles_s(self.first_chunks, _LEVELS),
            with_first_chunk=self.first_chunks.total(),
        )


_FACTS: Final = [field.name for field in fields(CountedSums)]


def counted_requests(
    store: Store,
    selection: Selection,
    by: Collection[Dimension] = (),
    *,
    step_s: int | None = None,
    with_times: bool = True,
) -> list[Counted]:
    """The counted requests of a selection by step and by the dimensions `by`.

    Groups come by step, in each the busiest first; those without a request are left out. Without
    `step_s` the range is one step, 0. `with_times` asks for percentiles.
    """
    grouping = _grouping(selection, by)
    pieces = counted_pieces(store, selection, step_s, reads_groups=grouping != "all")
    parameters = {
        **selection.parameters(),
        **pieces.parameters(),
        "by_model": "model" in by,
        "by_tenant": "tenant" in by,
        "by_variant": "variant" in by,
        "step_s": step_s or WHOLE,
        "with_times": with_times,
    }
    questions = []
    if pieces.has_rollups:
        questions.append(("counted_rollups", {**parameters, "grouping": grouping}))
    if pieces.has_spans:
        questions.append(("counted_spans", parameters))
    groups = _added_up(answers_at_once(store, questions), by_currency="currency" in by)
    return sorted(groups, key=lambda one: (one.group.step, -one.sums.requests, one.group))


def answers_at_once(
    store: Store, questions: Sequence[tuple[str, Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """The rows of all questions, asked at the same time: half of what each takes is planning."""
    if len(questions) < 2:
        return [row for question in questions for row in store.rows(*question)]
    with ThreadPoolExecutor(len(questions), thread_name_prefix="counted") as pool:
        answers = [pool.submit(store.rows, *question) for question in questions]
        return [row for answer in answers for row in answer.result()]


def _added_up(rows: Iterable[Mapping[str, Any]], *, by_currency: bool) -> list[Counted]:
    sums: dict[Group, _Sum] = {}
    for row in rows:
        currency = row["currency"] if by_currency else ""
        group = Group(row["step"], row["model"], row["tenant"], row["variant"], currency)
        sums.setdefault(group, _Sum()).add(row)
    return [one.as_group(group) for group, one in sums.items()]


def _counts(histogram: Sequence[Any]) -> Iterable[tuple[int, int]]:
    """Of rollups two parallel arrays; of spans a count for every bucket."""
    if isinstance(histogram, tuple):
        buckets, counts = histogram
        return zip(buckets, counts, strict=True)
    return ((bucket, count) for bucket, count in enumerate(histogram) if count)


def _grouping(selection: Selection, by: Collection[Dimension]) -> str:
    """The rollup rows that tell apart what is asked for, and hardly more."""
    needed = [
        name
        for name in ("model", "tenant", "variant")
        if name in by or getattr(selection, name) is not None
    ]
    return {0: "all", 1: "".join(needed)}.get(len(needed), "full")
