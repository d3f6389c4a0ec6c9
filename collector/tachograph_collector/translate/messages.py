"""Content as text: documents, and JSON that is cut without breaking it."""

import orjson

from tachograph_collector.translate.values import Value, cut, text_of

_SHORTEST_CUT_BYTES = 256
_MAX_DEPTH = 64


def documents_text(value: Value) -> str:
    """Plain text of the documents' contents, separated by blank lines"""
    parsed: object = value
    if isinstance(value, str):
        try:
            parsed = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    if not isinstance(parsed, list):
        return text_of(value)
    try:
        return "\n\n".join(_document_text(document) for document in parsed)
    except orjson.JSONEncodeError:  # nested deeper than can be written again
        return text_of(value)


def _document_text(document: object) -> str:
    if isinstance(document, str):
        return document
    if isinstance(document, dict):
        for key in ("content", "text", "page_content"):
            if isinstance(document.get(key), str):
                return str(document[key])
    return orjson.dumps(document).decode()


def cut_content(text: str, limit_bytes: int) -> tuple[str, bool]:
    """Return `text` within `limit_bytes` and whether it was cut.

    JSON stays JSON: its long strings are shortened until the whole fits. Text that is no JSON,
    or cannot be shortened so, is cut at its end.
    """
    plain, was_cut = cut(text, limit_bytes)
    if not was_cut:
        return text, False
    if not text.startswith(("[", "{")):
        return plain, True
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return plain, True
    longest_bytes = limit_bytes
    while longest_bytes >= _SHORTEST_CUT_BYTES:
        longest_bytes //= 2
        try:
            shortened = orjson.dumps(_with_short_strings(document, longest_bytes, 0))
        except orjson.JSONEncodeError:  # nested deeper than can be written again
            break
        if len(shortened) <= limit_bytes:
            return shortened.decode(), True
    return plain, True


def _with_short_strings(node: object, longest_bytes: int, depth: int) -> object:
    if isinstance(node, str):
        return cut(node, longest_bytes)[0]
    if depth == _MAX_DEPTH:
        return None
    if isinstance(node, list):
        return [_with_short_strings(item, longest_bytes, depth + 1) for item in node]
    if isinstance(node, dict):
        return {
            key: _with_short_strings(item, longest_bytes, depth + 1) for key, item in node.items()
        }
    return node
