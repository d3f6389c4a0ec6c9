"""The map from attribute names to typed columns of `SpanRow`: data, one line a name.

Where several names fill one column, the line that stands first wins and the value of the other
stays in the attributes map. A value that its column cannot hold stays in the map too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tachograph.semconv import attributes as a
from tachograph_collector.translate.values import (
    Value,
    as_chunk_count,
    as_count,
    as_flag,
    as_identifier,
    as_money,
    as_quantity,
    as_text,
    as_texts,
)


@dataclass(frozen=True, slots=True)
class Column:
    """A target column, how a value is made fit for it, and which of two names wins (lower)."""

    name: str
    convert: Callable[[Value], object]
    rank: int


_TYPED: Final[tuple[tuple[str, str, Callable[[Value], object]], ...]] = (
    # --- OTel GenAI as written today, and our own names
    (a.OBSERVER, "observer", as_text),
    (a.REQUEST_ID, "request_id", as_identifier),
    (a.OPERATION_NAME, "operation", as_text),
    (a.PROVIDER_NAME, "provider", as_text),
    (a.REQUEST_MODEL, "request_model", as_text),
    (a.RESPONSE_MODEL, "response_model", as_text),
    (a.RESPONSE_ID, "response_id", as_text),
    (a.RESPONSE_FINISH_REASONS, "finish_reasons", as_texts),
    (a.ERROR_TYPE, "error_type", as_text),
    (a.REQUEST_STREAM, "is_streaming", as_flag),
    (a.USAGE_INPUT_TOKENS, "input_tokens", as_count),
    (a.USAGE_OUTPUT_TOKENS, "output_tokens", as_count),
    (a.USAGE_CACHE_READ_INPUT_TOKENS, "cache_read_tokens", as_count),
    (a.USAGE_CACHE_WRITE_INPUT_TOKENS, "cache_write_tokens", as_count),
    (a.USAGE_REASONING_OUTPUT_TOKENS, "reasoning_tokens", as_count),
    (a.RESPONSE_TIME_TO_FIRST_CHUNK, "time_to_first_chunk_s", as_quantity),
    (a.STREAM_TIME_PER_CHUNK, "time_per_output_chunk_s", as_quantity),
    (a.STREAM_CHUNK_COUNT, "chunk_count", as_chunk_count),
    (a.STREAM_GAP_P50, "gap_p50_s", as_quantity),
    (a.STREAM_GAP_P95, "gap_p95_s", as_quantity),
    (a.STREAM_GAP_MAX, "gap_max_s", as_quantity),
    (a.ENGINE_TIME_TO_FIRST_TOKEN, "engine_time_to_first_token_s", as_quantity),
    (a.ENGINE_QUEUE_TIME, "queue_s", as_quantity),
    (a.ENGINE_PREFILL_TIME, "prefill_s", as_quantity),
    (a.ENGINE_DECODE_TIME, "decode_s", as_quantity),
    (a.TENANT, "tenant", as_identifier),
    (a.TENANT_SOURCE, "tenant_source", as_text),
    (a.USER_ID, "user", as_identifier),
    (a.SESSION_ID, "session", as_identifier),
    (a.CONVERSATION_ID, "session", as_identifier),
    (a.VARIANT, "variant", as_identifier),
    (a.USAGE_COST_AMOUNT, "reported_cost", as_money),
    (a.ENGINE_SECONDS, "engine_seconds", as_quantity),
    (a.GPU_SECONDS, "gpu_seconds", as_quantity),
    (a.ENERGY, "energy_j", as_quantity),
    (a.ENERGY_ERROR, "energy_error_j", as_quantity),
    (a.ATTRIBUTION_METHOD, "attribution_method", as_text),
    # --- OTel GenAI before 1.37, and names that the specification gave up later
    ("gen_ai.system", "provider", as_text),
    ("gen_ai.usage.prompt_tokens", "input_tokens", as_count),
    ("gen_ai.usage.completion_tokens", "output_tokens", as_count),
    ("gen_ai.usage.cache_creation.input_tokens", "cache_write_tokens", as_count),
    ("gen_ai.usage.cache_read_input_tokens", "cache_read_tokens", as_count),
    ("gen_ai.usage.cache_creation_input_tokens", "cache_write_tokens", as_count),
)

CONTENT: Final[tuple[tuple[str, str], ...]] = (
    (a.INPUT_MESSAGES, "prompt"),
    (a.FUNCTION_INPUT, "prompt"),
    (a.TOOL_CALL_ARGUMENTS, "prompt"),
    (a.RETRIEVAL_QUERY_TEXT, "prompt"),
    ("gen_ai.prompt", "prompt"),
    (a.OUTPUT_MESSAGES, "completion"),
    (a.FUNCTION_OUTPUT, "completion"),
    (a.TOOL_CALL_RESULT, "completion"),
    ("gen_ai.completion", "completion"),
    (a.EVALUATION_CONTEXT, "context"),
    (a.RETRIEVAL_DOCUMENTS, "context"),
)
"""Attributes that hold what people wrote: own columns, own size limit, own expiry."""

INDEXED_MESSAGES: Final[Mapping[str, str]] = {
    "gen_ai.prompt.": "prompt",
    "gen_ai.completion.": "completion",
}
"""Prefixes of messages spread over attributes, `gen_ai.prompt.0.role` and so on."""

LONG_ATTRIBUTES: Final = frozenset({a.SYSTEM_INSTRUCTIONS, a.TOOL_DEFINITIONS})
"""Kept in the map, but with the size limit of content."""

TYPED_COLUMNS: Final[Mapping[str, Column]] = {
    name: Column(column, convert, rank) for rank, (name, column, convert) in enumerate(_TYPED)
}
CONTENT_COLUMNS: Final[Mapping[str, tuple[str, int]]] = {
    name: (column, rank) for rank, (name, column) in enumerate(CONTENT)
}

MAX_TYPED_TEXT_BYTES: Final = 1024
"""Of a model, tenant or other name in a typed column; more is cut and marked."""

MAX_TYPED_LIST_ITEMS: Final = 128
"""Of a list in a typed column."""
