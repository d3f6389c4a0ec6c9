"""OTel GenAI as written today (semantic-conventions-genai 0.1), and our own names."""

from tachograph.semconv import attributes as a
from tachograph_collector.translate.convert import as_error_type, as_operation
from tachograph_collector.translate.dialects.table import Content, Dialect, EventContent, Typed
from tachograph_collector.translate.messages import documents_text
from tachograph_collector.translate.values import (
    as_chunk_count,
    as_count,
    as_flag,
    as_identifier,
    as_money,
    as_quantity,
    as_text,
    as_texts,
    text_of,
)

OPERATION_DETAILS = "gen_ai.client.inference.operation.details"
"""The event that may carry content instead of the span."""

DIALECT = Dialect(
    name="OTel GenAI and Tachograph",
    source="semantic-conventions-genai 0.1; tachograph.semconv",
    typed=(
        Typed(a.OBSERVER, "observer", as_text),
        Typed(a.REQUEST_ID, "request_id", as_identifier),
        Typed(a.OPERATION_NAME, "operation", as_operation),
        Typed(a.PROVIDER_NAME, "provider", as_text),
        Typed(a.REQUEST_MODEL, "request_model", as_text),
        Typed(a.RESPONSE_MODEL, "response_model", as_text),
        Typed(a.RESPONSE_ID, "response_id", as_text),
        Typed(a.RESPONSE_FINISH_REASONS, "finish_reasons", as_texts),
        Typed(a.ERROR_TYPE, "error_type", as_error_type),
        Typed(a.REQUEST_STREAM, "is_streaming", as_flag),
        Typed(a.USAGE_INPUT_TOKENS, "input_tokens", as_count),
        Typed(a.USAGE_OUTPUT_TOKENS, "output_tokens", as_count),
        Typed(a.USAGE_CACHE_READ_INPUT_TOKENS, "cache_read_tokens", as_count),
        Typed(a.USAGE_CACHE_WRITE_INPUT_TOKENS, "cache_write_tokens", as_count),
        Typed(a.USAGE_REASONING_OUTPUT_TOKENS, "reasoning_tokens", as_count),
        Typed(a.RESPONSE_TIME_TO_FIRST_CHUNK, "time_to_first_chunk_s", as_quantity),
        Typed(a.STREAM_TIME_PER_CHUNK, "time_per_output_chunk_s", as_quantity),
        Typed(a.STREAM_CHUNK_COUNT, "chunk_count", as_chunk_count),
        Typed(a.STREAM_GAP_P50, "gap_p50_s", as_quantity),
        Typed(a.STREAM_GAP_P95, "gap_p95_s", as_quantity),
        Typed(a.STREAM_GAP_MAX, "gap_max_s", as_quantity),
        Typed(a.ENGINE_TIME_TO_FIRST_TOKEN, "engine_time_to_first_token_s", as_quantity),
        Typed(a.ENGINE_QUEUE_TIME, "queue_s", as_quantity),
        Typed(a.ENGINE_PREFILL_TIME, "prefill_s", as_quantity),
        Typed(a.ENGINE_DECODE_TIME, "decode_s", as_quantity),
        Typed(a.TENANT, "tenant", as_identifier),
        Typed(a.TENANT_SOURCE, "tenant_source", as_text),
        Typed(a.USER_ID, "user", as_identifier),
        Typed(a.SESSION_ID, "session", as_identifier),
        Typed(a.CONVERSATION_ID, "session", as_identifier),
        Typed(a.VARIANT, "variant", as_identifier),
        Typed(a.USAGE_COST_AMOUNT, "reported_cost", as_money),
        Typed(a.ENGINE_SECONDS, "engine_seconds", as_quantity),
        Typed(a.GPU_SECONDS, "gpu_seconds", as_quantity),
        Typed(a.ENERGY, "energy_j", as_quantity),
        Typed(a.ENERGY_ERROR, "energy_error_j", as_quantity),
        Typed(a.ATTRIBUTION_METHOD, "attribution_method", as_text),
    ),
    contents=(
        Content(a.INPUT_MESSAGES, "prompt", text_of),
        Content(a.FUNCTION_INPUT, "prompt", text_of),
        Content(a.TOOL_CALL_ARGUMENTS, "prompt", text_of),
        Content(a.RETRIEVAL_QUERY_TEXT, "prompt", text_of),
        Content(a.OUTPUT_MESSAGES, "completion", text_of),
        Content(a.FUNCTION_OUTPUT, "completion", text_of),
        Content(a.TOOL_CALL_RESULT, "completion", text_of),
        Content(a.EVALUATION_CONTEXT, "context", text_of),
        Content(a.RETRIEVAL_DOCUMENTS, "context", documents_text),
    ),
    event_contents=(
        EventContent(OPERATION_DETAILS, a.INPUT_MESSAGES, "prompt"),
        EventContent(OPERATION_DETAILS, a.OUTPUT_MESSAGES, "completion"),
    ),
)
