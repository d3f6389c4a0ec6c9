"""Whether a span that comes again says the same: a hash of all its sender said.

Of the bytes, with the attributes in the order of their bytes: another order, of attributes or of the
protobuf fields around them, is no other content. SHA-256 because processors have it built in: 2.3 kB
take less than half of BLAKE2b's time.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_HASHED_AT_ONCE_BYTES: Final = 2047
_BETWEEN: Final = b"\xff\xff"
"""Begins no protobuf message: attributes cannot flow into each other."""


def resource_identity(resource: Resource) -> bytes:
    """Canonical bytes of a resource."""
    return _canonical(Resource, resource)


def sender_digest(resource_identity: bytes, scope: InstrumentationScope) -> bytes:
    """What all spans of one scope begin their hashes with."""
    size = len(resource_identity).to_bytes(8, "big")
    return sha256(size + resource_identity + _canonical(InstrumentationScope, scope)).digest()


def content_hash(sender: bytes, raw: Any, attributes: Sequence[bytes]) -> int:
    """64 bits of everything the sender said of the span: equal for a retry, not for a change.

    `raw` is a `wire.RawSpan` of the caller's own, which loses its attributes here; `attributes` are
    these.
    """
    raw.ClearField("attributes")
    if raw.events or raw.links:
        events = [_canonical(Span.Event, Span.Event.FromString(event)) for event in raw.events]
        links = [_canonical(Span.Link, Span.Link.FromString(link)) for link in raw.links]
        raw.ClearField("events")
        raw.ClearField("links")
        rest = _joined((raw.SerializeToString(), *events, _BETWEEN, *links))
    else:
        rest = raw.SerializeToString()
    content = _joined((sender, rest, *sorted(attributes)))
    # In pieces: hashlib lets go of the interpreter lock for 2,048 bytes or more, and takes longer to
    # get it back from another thread than to hash them.
    digest = sha256(content[:_HASHED_AT_ONCE_BYTES])
    for begin in range(_HASHED_AT_ONCE_BYTES, len(content), _HASHED_AT_ONCE_BYTES):
        digest.update(content[begin : begin + _HASHED_AT_ONCE_BYTES])
    return int.from_bytes(digest.digest()[:8], "big")


def _canonical(kind: Any, message: Any) -> bytes:
    """A message's bytes with its attributes, which it has directly, behind all else and sorted."""
    attributes: Iterable[KeyValue] = message.attributes
    last = sorted(attribute.SerializeToString() for attribute in attributes)
    bare = kind()
    bare.CopyFrom(message)
    bare.ClearField("attributes")
    return _joined((bare.SerializeToString(deterministic=True), *last))


def _joined(parts: Iterable[bytes]) -> bytes:
    return _BETWEEN.join(parts)
