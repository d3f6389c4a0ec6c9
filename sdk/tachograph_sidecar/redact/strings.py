"""Which strings of an answer's JSON are redacted, and which stay what the engine wrote."""

import json
from typing import Any, Final

from tachograph_detectors.redact import Redactor, walk

STRUCTURE: Final = frozenset(
    {
        "id", "object", "model", "created", "created_at", "system_fingerprint", "type", "role",
        "finish_reason", "item_id", "call_id", "tool_call_id", "service_tier", "embedding",
        "b64_json", "usage", "timings", "status", "done_reason", "stop_type",
    }
)  # fmt: skip
"""Members that say what the engine did, not what the model said."""

_LOG_PROBABILITIES: Final = frozenset({"logprobs", "top_logprobs"})


def redacted(value: Any, redactor: Redactor) -> Any:
    """A JSON value with its strings redacted and without log-probabilities: they spell the text."""
    return walk(without_log_probabilities(value), redactor.json_text, STRUCTURE)


def without_log_probabilities(value: Any, depth: int = 0) -> Any:
    """A JSON value with `logprobs` members that spell tokens set to null."""
    if depth > 64:
        return None
    if isinstance(value, dict):
        return {
            key: None
            if key in _LOG_PROBABILITIES and isinstance(item, dict | list)
            else without_log_probabilities(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [without_log_probabilities(item, depth + 1) for item in value]
    return value


def encoded(value: Any) -> bytes:
    """A JSON value as the bytes that an engine would send: UTF-8, and escapes where that fails."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can say
        return json.dumps(value, separators=(",", ":")).encode()
