"""How many messages a body holds, counted on its bytes before anything is made of them.

An empty span is two bytes on the wire and 175 in memory, so 64 MiB of them would be 5.6 GB. What is
counted here is cheap: records (spans, points, log records) by their length prefixes alone, whatever
lies in them only in bodies so large that it could matter.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from tachograph_collector.errors import ApiError

MAX_RECORDS: Final = 200_000
"""Resources, scopes, spans, metrics, points and log records of one body."""

MAX_MESSAGES: Final = 4_000_000
"""Of a protobuf body's records, attributes, values and so on; at most 90 bytes of memory each."""

MAX_JSON_OBJECTS: Final = 2_000_000
"""Of a JSON body's objects and arrays, some hundred bytes of memory each."""

_LEAST_BYTES: Final = 2  # of a message: most bodies are too short to hold too many
_CONTAINERS: Final = frozenset(
    f"{prefix}{signal}"
    for signal in ("Spans", "Metrics", "Logs")
    for prefix in ("Resource", "Scope")
) | {"Metric", "Gauge", "Sum", "Histogram", "ExponentialHistogram", "Summary"}
_FIXED_BYTES: Final[Mapping[int, int]] = {1: 8, 5: 4}

# Field number -> what the message in it has in turn; None where nobody looks inside.
_Fields = Mapping[int, "Descriptor | None"]


def check_protobuf(body: bytes, request_type: type[Message]) -> None:
    """Raise `ApiError` 413 when the body holds more messages than may be made of it."""
    descriptor = cast(Descriptor, request_type.DESCRIPTOR)
    if (
        _may_exceed(body, MAX_RECORDS)
        and _count(body, descriptor, MAX_RECORDS, False) > MAX_RECORDS
    ):
        raise _too_many(MAX_RECORDS, "records")
    if _may_exceed(body, MAX_MESSAGES):
        # One pass in C tells nearly every honest body from a dishonest one.
        tags = len(body) - len(body.translate(None, _tag_bytes(descriptor)))
        if tags > MAX_MESSAGES and _count(body, descriptor, MAX_MESSAGES, True) > MAX_MESSAGES:
            raise _too_many(MAX_MESSAGES, "messages")


def check_json(body: bytes) -> None:
    """The same of a JSON body; brackets in its texts count too, so the bound is generous."""
    if body.count(b"{") + body.count(b"[") > MAX_JSON_OBJECTS:
        raise _too_many(MAX_JSON_OBJECTS, "objects and arrays")


def _may_exceed(body: bytes, limit: int) -> bool:
    return len(body) > limit * _LEAST_BYTES


def _count(body: bytes, descriptor: Descriptor, limit: int, into_records: bool) -> int:
    """Messages in the body, or a number above the limit as soon as it is reached.

    What is no protobuf is left to the parser: counting ends there.
    """
    count = 0
    pending: list[tuple[int, int, Descriptor]] = [(0, len(body), descriptor)]
    while pending:
        position, end, descriptor = pending.pop()
        fields = _fields(descriptor, into_records)
        while position < end:
            tag, position = _varint(body, position, end)
            wire_type = tag & 7
            if wire_type == 2:
                size, position = _varint(body, position, end)
                if size > end - position:
                    return count
                if tag >> 3 in fields:
                    count += 1
                    if count > limit:
                        return count
                    inner = fields[tag >> 3]
                    if inner is not None and size:
                        pending.append((position, position + size, inner))
                position += size
            elif wire_type == 0:
                _, position = _varint(body, position, end)
            else:  # the ends of groups, which nobody knows here, have no payload
                position += _FIXED_BYTES.get(wire_type, 0)
    return count


def _varint(body: bytes, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while position < end:
        byte = body[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 63:
            break
    return 0, end  # cut off or too long: nothing of this message is counted further


@cache
def _fields(descriptor: Descriptor, into_records: bool) -> _Fields:
    return {
        field.number: field.message_type
        if into_records or field.message_type.name in _CONTAINERS
        else None
        for field in descriptor.fields
        if field.message_type is not None
    }


@cache
def _tag_bytes(descriptor: Descriptor) -> bytes:
    """The bytes with which the key of a message, anywhere in such a request, can begin."""
    seen = {descriptor.full_name}
    found: set[int] = set()
    pending = [descriptor]
    while pending:
        for number, inner in _fields(pending.pop(), True).items():
            low = (number << 3 | 2) & 0x7F
            found |= {low, low | 0x80}  # a key may be written longer than it needs to be
            if inner is not None and inner.full_name not in seen:
                seen.add(inner.full_name)
                pending.append(inner)
    return bytes(sorted(found))


def _too_many(limit: int, what: str) -> ApiError:
    return ApiError(
        413,
        "too_many_records",
        f"the body holds more than {limit:,} {what}",
        field="body",
        remedy="export smaller batches",
    )
