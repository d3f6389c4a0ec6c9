"""Request bodies to OTLP messages: protobuf, and JSON with its hexadecimal ids."""

import base64
import binascii
from collections.abc import Callable, Iterator
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from tachograph_collector.errors import malformed, unsupported_media
from tachograph_collector.otlp.record_count import check_json, check_protobuf

ExportRequest = TypeVar("ExportRequest", bound=Message)

_ID_FIELDS = {
    "traceId", "trace_id", "spanId", "span_id", "parentSpanId", "parent_span_id",
}  # fmt: skip
_MAX_JSON_DEPTH = 64  # AnyValue nests
_MAX_PROTOBUF_DEPTH = 100  # the parser's own bound, under which nothing here recurses too deep


class Encoding(Enum):
    """How a request is written; the answer is written the same way."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


def encoding_of(content_type: str) -> Encoding:
    """The encoding that a Content-Type names. Raises `ApiError` 415 for any other."""
    media_type = content_type.partition(";")[0].strip().lower()
    try:
        return Encoding(media_type)
    except ValueError:
        accepted = ", ".join(encoding.value for encoding in Encoding)
        raise unsupported_media("content-type", content_type, accepted) from None


def decoder(
    body: bytes, encoding: Encoding, request_type: type[ExportRequest]
) -> Callable[[], ExportRequest]:
    """A function that parses the request when it is first called, and raises as `decode`.

    Raises `ApiError` 413 itself.
    """
    if encoding is not Encoding.PROTOBUF:
        return cache(lambda: _decode_json(body, request_type))
    check_protobuf(body, request_type)
    return cache(lambda: _parse(body, request_type))


def decode(body: bytes, encoding: Encoding, request_type: type[ExportRequest]) -> ExportRequest:
    """Parse one export request. Raises `ApiError` 400 with what is wrong with it, 413 when it
    holds more records than may be made of it."""
    return decoder(body, encoding, request_type)()


def _parse(body: bytes, request_type: type[ExportRequest]) -> ExportRequest:
    request = request_type()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise malformed(
            f"the body is not a {request_type.__name__}, or nests deeper than "
            f"{_MAX_PROTOBUF_DEPTH} levels: {error}"
        ) from error
    return request


def _decode_json(body: bytes, request_type: type[ExportRequest]) -> ExportRequest:
    check_json(body)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed(f"the body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise malformed("the body is not a JSON object")
    _ids_to_base64(document)
    request = request_type()
    try:
        json_format.ParseDict(document, request, ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, TypeError, AttributeError) as error:
        # json_format lets the last three escape for some wrongly typed values
        raise malformed(f"the body is not a {request_type.__name__}: {str(error)[:500]}") from error
    return request


def _ids_to_base64(document: dict[str, Any]) -> None:
    """Rewrite hexadecimal ids, as OTLP/JSON has them, into the base64 of JSON protobuf.

    An id that is not hexadecimal becomes one byte, a length that no id has: so only its own
    record is refused later, and not its neighbours.
    """
    for node in _nodes(document):
        for name in _ID_FIELDS & node.keys():
            value = node[name]
            if not isinstance(value, str):
                raise malformed(f"{name} must be a string of hexadecimal digits")
            try:
                node[name] = base64.b64encode(binascii.unhexlify(value)).decode()
            except ValueError:
                node[name] = "AA=="


def _nodes(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    pending: list[tuple[Any, int]] = [(document, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > _MAX_JSON_DEPTH:
            raise malformed(f"the body nests deeper than {_MAX_JSON_DEPTH} levels")
        if isinstance(node, dict):
            yield node
            pending.extend((child, depth + 1) for child in node.values())
        elif isinstance(node, list):
            pending.extend((child, depth + 1) for child in node)
