"""One Langfuse trace, observation or score as rows.

Langfuse writes the same record in two spellings: camelCase from its API and user interface,
snake_case in its exports to blob storage. Ids that are no OTel ids become ones by hash; the original
stays in the attributes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final

import orjson

from tachograph.semconv.values import Observer, RejectReason, ScoreSource
from tachograph_collector.importing.langfuse_usage import read_usage
from tachograph_collector.translate.counting import is_counted
from tachograph_collector.translate.limits import Limits, expiry, utc
from tachograph_collector.translate.values import as_money, cut
from tachograph_store.rows import ScoreRow, SpanRow

SERVICE: Final = "langfuse"
"""`service_name` of imported spans, and their source in the books."""

OPERATIONS: Final[Mapping[str, str]] = {
    "GENERATION": "chat",
    "EMBEDDING": "embeddings",
    "TOOL": "execute_tool",
    "RETRIEVER": "retrieval",
    "AGENT": "invoke_agent",
}
_TYPES: Final = frozenset({*OPERATIONS, "SPAN", "EVENT", "CHAIN", "GUARDRAIL", "EVALUATOR"})
_SOURCES: Final[Mapping[str, str]] = {
    "ANNOTATION": ScoreSource.HUMAN,
    "EVAL": ScoreSource.EVALUATOR,
}
_KEPT: Final = (
    "environment", "release", "version", "level", "tags", "modelParameters", "promptName",
    "promptVersion", "metadata",
)  # fmt: skip
_HEX: Final = frozenset("0123456789abcdef")
_MAX_NAME_BYTES: Final = 1024


class Unusable(ValueError):
    """A record that becomes no row; `reason` is a `RejectReason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TraceFacts:
    """What observations of a trace take from it."""

    user: str | None
    session: str | None


def field(record: Mapping[str, Any], name: str) -> Any:
    """The value under its camelCase name or its snake_case one; None when there is neither."""
    if name in record:
        return record[name]
    return record.get("".join(f"_{c.lower()}" if c.isupper() else c for c in name))


def kind_of(record: object) -> str | None:
    """trace | observation | score, or None for what is none of them."""
    if not isinstance(record, Mapping):
        return None
    if field(record, "traceId") is not None or field(record, "observationId") is not None:
        if field(record, "startTime") is not None:
            return "observation"
        return "score" if "value" in record or field(record, "stringValue") is not None else None
    is_trace = field(record, "id") is not None and field(record, "timestamp") is not None
    return "trace" if is_trace else None


def nested(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Observations and scores that a trace of the API brings along."""
    for name, key in (("observations", "startTime"), ("scores", "name")):
        items = record.get(name)
        for item in items if isinstance(items, list) else []:
            if isinstance(item, Mapping) and field(item, key) is not None:  # not just its id
                yield {"traceId": field(record, "id"), **item}


def trace_facts(record: Mapping[str, Any]) -> TraceFacts:
    """Whose trace it is."""
    return TraceFacts(_name(field(record, "userId")), _name(field(record, "sessionId")))


def trace_row(record: Mapping[str, Any], project: str, limits: Limits) -> SpanRow:
    """The trace as a root span. Raises `Unusable`."""
    start = _time(field(record, "timestamp"))
    latency = field(record, "latency")
    seconds = float(latency) if isinstance(latency, int | float | Decimal) else 0.0
    facts = trace_facts(record)
    return _span(
        record,
        project,
        limits,
        trace=_id(field(record, "id")),
        span_id=root_id(_id(field(record, "id"))),
        start_time=start,
        duration_ns=max(0, int(seconds * 1e9)),
        user=facts.user,
        session=facts.session,
    )


def observation_row(
    record: Mapping[str, Any], facts: TraceFacts | None, project: str, limits: Limits
) -> SpanRow:
    """An observation as a span. Raises `Unusable`."""
    kind = field(record, "type")
    if kind not in _TYPES:
        raise Unusable(RejectReason.UNSUPPORTED)
    trace, own = _id(field(record, "traceId")), _id(field(record, "id"))
    start = _time(field(record, "startTime"))
    end = start if field(record, "endTime") is None else _time(field(record, "endTime"))
    if end < start:
        raise Unusable(RejectReason.BAD_TIME)
    parent = _name(field(record, "parentObservationId"))
    parent_id = span_id(trace, parent) if parent else root_id(trace) if facts else ""
    operation = OPERATIONS.get(kind)
    first = field(record, "completionStartTime")
    first_chunk_s = None if first is None else (_time(first) - start) / 1e9
    usage = read_usage(field(record, "usageDetails") or record.get("usage"))
    model = _name(field(record, "providedModelName")) or _name(record.get("model"))
    cost = _cost(record)
    return _span(
        record,
        project,
        limits,
        trace=trace,
        span_id=span_id(trace, own),
        parent_span_id=parent_id,
        start_time=start,
        duration_ns=end - start,
        operation=operation,
        is_counted=is_counted(operation, Observer.IMPORT, None),
        request_model=model,
        is_streaming=True if first is not None else None,
        time_to_first_chunk_s=first_chunk_s if first_chunk_s and first_chunk_s >= 0 else None,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        reported_cost=cost,
        user=_name(field(record, "userId")) or (facts.user if facts else None),
        session=_name(field(record, "sessionId")) or (facts.session if facts else None),
    )


def score_row(record: Mapping[str, Any], project: str, limits: Limits) -> ScoreRow:
    """A score of a trace or observation. Raises `Unusable`."""
    name = _name(record.get("name"))
    if name is None or field(record, "traceId") is None:  # scores of whole sessions have no span
        raise Unusable(RejectReason.UNSUPPORTED)
    trace = _id(field(record, "traceId"))
    judged = _name(field(record, "observationId"))
    time = _time(field(record, "timestamp") or field(record, "createdAt"))
    number = record.get("value")
    value: float | None = None
    if isinstance(number, int | float | Decimal) and 0 <= number <= 1:
        value = float(number)
    text = _name(field(record, "stringValue"))
    label = text or (None if value is not None or number is None else str(number))
    if value is None and label is None:
        raise Unusable(RejectReason.BAD_VALUE)
    # Langfuse keeps several scores of one name on a span; here the author tells them apart.
    author = _name(field(record, "authorUserId")) or f"langfuse:{_id(record.get('id'))}"
    return ScoreRow(
        project=project,
        trace_id=trace_id(trace),
        span_id=span_id(trace, judged) if judged else root_id(trace),
        span_time=time,
        evaluator=SERVICE,
        name=cut(name, _MAX_NAME_BYTES)[0],
        author=cut(author, _MAX_NAME_BYTES)[0],
        source=_SOURCES.get(str(record.get("source")), ScoreSource.API),
        value=value,
        label=None if label is None else cut(label, _MAX_NAME_BYTES)[0],
        explanation=_cut_or_none(_name(record.get("comment")), limits.max_attribute_bytes),
        created_at=utc(time),
        expires_on=expiry(time, limits.retention_days),
    )


def trace_id(text: str) -> str:
    """32 hexadecimal digits: the id itself, a UUID without its dashes, or a hash."""
    plain = text.replace("-", "").lower() if len(text) == 36 else text
    return plain if _is_hex(plain, 32) else _hash(f"trace:{text}", 16)


def span_id(trace: str, text: str) -> str:
    """16 hexadecimal digits: the id itself, or a hash."""
    return text if _is_hex(text, 16) else _hash(f"observation:{trace}:{text}", 8)


def root_id(trace: str) -> str:
    """The id of the span that stands for a trace."""
    return _hash(f"root:{trace}", 8)


def _span(
    record: Mapping[str, Any], project: str, limits: Limits, *, trace: str, **columns: Any
) -> SpanRow:
    start = columns["start_time"]
    prompt, completion, truncated = _content(record, limits)
    return SpanRow(
        project=project,
        trace_id=trace_id(trace),
        name=cut(_name(record.get("name")) or str(record.get("type", "trace")).lower(), 1024)[0],
        status_code="ERROR" if record.get("level") == "ERROR" else "UNSET",
        status_message=_cut_or_none(
            _name(field(record, "statusMessage")), limits.max_attribute_bytes
        )
        or "",
        service_name=SERVICE,
        scope_name=SERVICE,
        observer=Observer.IMPORT,
        prompt=prompt,
        completion=completion,
        truncated=truncated,
        attributes=_attributes(record, trace, limits),
        content_hash=_content_hash(record, columns),
        expires_on=expiry(start, limits.retention_days),
        content_expires_on=expiry(start, limits.content_retention_days),
        **columns,
    )


def _content(record: Mapping[str, Any], limits: Limits) -> tuple[str | None, str | None, list[str]]:
    texts: list[str | None] = []
    truncated: list[str] = []
    for name in ("input", "output"):
        value = record.get(name)
        text, was_cut = cut(_text(value), limits.max_content_bytes)
        texts.append(None if value is None else text)
        if was_cut:
            truncated.append(name)
    return texts[0], texts[1], truncated


def _attributes(record: Mapping[str, Any], trace: str, limits: Limits) -> dict[str, str]:
    attributes: dict[str, str] = {"langfuse.trace.id": cut(trace, _MAX_NAME_BYTES)[0]}
    kind = _name(record.get("type"))
    if kind is not None:
        attributes["langfuse.observation.type"] = kind.lower()
        attributes["langfuse.observation.id"] = cut(str(record.get("id")), _MAX_NAME_BYTES)[0]
    for name in _KEPT:
        value = field(record, name)
        if value not in (None, "", [], {}):
            attributes[f"langfuse.{name}"] = cut(_text(value), limits.max_attribute_bytes)[0]
    return attributes


def _cost(record: Mapping[str, Any]) -> Decimal | None:
    details = field(record, "costDetails")
    if isinstance(details, Mapping) and details:
        parts = {name: as_money(_plain(value)) for name, value in details.items()}
        known = [part for name, part in parts.items() if part is not None and name != "total"]
        return parts["total"] if parts.get("total") is not None else sum(known, Decimal(0))
    for name in ("totalCost", "calculatedTotalCost"):
        cost = as_money(_plain(field(record, name)))
        if cost is not None:
            return cost
    return None


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _time(value: object) -> int:
    """Nanoseconds since the epoch. Raises `Unusable`."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise Unusable(RejectReason.BAD_TIME) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


def _id(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise Unusable(RejectReason.BAD_TRACE_ID)
    return value


def _name(value: object) -> str | None:
    return cut(value, _MAX_NAME_BYTES)[0] if isinstance(value, str) and value else None


def _cut_or_none(text: str | None, limit_bytes: int) -> str | None:
    return None if text is None else cut(text, limit_bytes)[0]


def _text(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=float).decode()


def _content_hash(record: Mapping[str, Any], columns: Mapping[str, Any]) -> int:
    said = orjson.dumps(
        [record, columns.get("user"), columns.get("session"), columns.get("parent_span_id")],
        option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS,
        default=str,
    )
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big")


def _is_hex(text: str, length: int) -> bool:
    return len(text) == length and _HEX.issuperset(text) and any(digit != "0" for digit in text)


def _hash(text: str, size: int) -> str:
    return blake2b(text.encode(errors="surrogatepass"), digest_size=size).hexdigest()
