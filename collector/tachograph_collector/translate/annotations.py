"""Scores that a span carries in its attributes: OpenInference's annotations and evaluations."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tachograph.semconv.values import ScoreSource
from tachograph_collector.translate.indexed import gather
from tachograph_collector.translate.limits import Limits, expiry, utc
from tachograph_collector.translate.values import Value, as_text, cut
from tachograph_store.rows import ScoreRow, SpanRow

MAX_SCORES: Final = 64
"""Of one span; the attributes of further ones stay in the map."""
_MAX_NAME_BYTES: Final = 256
_USED: Final = frozenset({"name", "score", "label", "explanation", "annotator_kind", "identifier"})


@dataclass(frozen=True, slots=True)
class Annotation:
    """One score as the span says it."""

    name: str
    value: float | None
    label: str | None
    explanation: str | None
    is_human: bool
    identifier: str


def read_annotations(
    members: Mapping[str, Value],
) -> tuple[list[Annotation], Mapping[str, Value]]:
    """The scores among `N.annotation.name` and so on, and the attributes that are part of none."""
    items, _ = gather(members)
    found: dict[int, Annotation] = {}
    for index in sorted(items)[:MAX_SCORES]:
        annotation = _annotation(items[index])
        if annotation is not None:
            found[index] = annotation
    rest = {
        suffix: value
        for suffix, value in members.items()
        if not (_index_of(suffix) in found and suffix.rpartition(".")[2] in _USED)
    }
    return list(found.values()), rest


def _index_of(suffix: str) -> int | None:
    number = suffix.partition(".")[0]
    return int(number) if number.isascii() and number.isdigit() else None


def _annotation(item: Mapping[str, Value]) -> Annotation | None:
    name, label, score = as_text(item.get("name")), as_text(item.get("label")), item.get("score")
    number = (
        float(score)
        if isinstance(score, int | float) and not isinstance(score, bool) and math.isfinite(score)
        else None
    )
    if name is None or (number is None and label is None):
        return None
    value = number if number is not None and 0 <= number <= 1 else None
    if label is None and value is None:
        label = f"{number:g}"  # on another scale than ours: said, not averaged
    return Annotation(
        name=cut(name, _MAX_NAME_BYTES)[0],
        value=value,
        label=None if label is None else cut(label, _MAX_NAME_BYTES)[0],
        explanation=as_text(item.get("explanation")),
        is_human=item.get("annotator_kind") == "HUMAN",
        identifier=cut(as_text(item.get("identifier")) or "", _MAX_NAME_BYTES)[0],
    )


def score_rows(
    annotations: Iterable[Annotation], span: SpanRow, limits: Limits
) -> Iterator[ScoreRow]:
    """Rows of the scores that a span carries."""
    for annotation in annotations:
        explanation = annotation.explanation
        yield ScoreRow(
            project=span.project,
            trace_id=span.trace_id,
            span_id=span.span_id,
            span_time=span.start_time,
            evaluator=cut(span.scope_name or span.service_name, _MAX_NAME_BYTES)[0],
            evaluator_version=cut(span.scope_version, _MAX_NAME_BYTES)[0],
            name=annotation.name,
            author=annotation.identifier,
            source=ScoreSource.HUMAN if annotation.is_human else ScoreSource.API,
            value=annotation.value,
            label=annotation.label,
            explanation=None
            if explanation is None
            else cut(explanation, limits.max_attribute_bytes)[0],
            model=span.response_model or span.request_model,
            tenant=span.tenant,
            variant=span.variant,
            created_at=utc(span.start_time + span.duration_ns),
            expires_on=expiry(span.start_time, limits.retention_days),
        )
