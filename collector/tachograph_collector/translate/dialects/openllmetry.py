"""OpenLLMetry and traceloop-sdk, besides the OTel GenAI names that they write too.

Its input tokens include cached ones also for Anthropic, whose own count leaves them out: the
instrumentation adds them. For Bedrock it passes the provider's count on as it is.
"""

from tachograph.semconv import attributes as a
from tachograph_collector.translate.convert import enumeration
from tachograph_collector.translate.dialects.table import (
    TOTAL_TOKENS,
    Content,
    Dialect,
    Exclusive,
    Typed,
)
from tachograph_collector.translate.values import (
    as_count,
    as_flag,
    as_identifier,
    as_texts,
    text_of,
)

REQUEST_TYPES = {
    "chat": "chat",
    "completion": "text_completion",
    "embedding": "embeddings",
    "rerank": "rerank",
}
SPAN_KINDS = {
    "workflow": "invoke_workflow",
    "task": "execute_task",
    "agent": "invoke_agent",
    "tool": "execute_tool",
}
_PROPERTIES = "traceloop.association.properties."

DIALECT = Dialect(
    name="OpenLLMetry",
    source="opentelemetry-semantic-conventions-ai 0.5.1, deprecated names included",
    typed=(
        Typed("traceloop.span.kind", "operation", enumeration(SPAN_KINDS), keep=True),
        Typed("llm.request.type", "operation", enumeration(REQUEST_TYPES), keep=True),
        Typed("gen_ai.is_streaming", "is_streaming", as_flag),
        Typed("llm.is_streaming", "is_streaming", as_flag),
        Typed("gen_ai.usage.reasoning_tokens", "reasoning_tokens", as_count),
        Typed("llm.usage.reasoning_tokens", "reasoning_tokens", as_count),
        Typed("gen_ai.usage.total_tokens", TOTAL_TOKENS, as_count, keep=True),
        Typed("llm.usage.total_tokens", TOTAL_TOKENS, as_count, keep=True),
        Typed("llm.response.finish_reason", "finish_reasons", as_texts),
        Typed("gen_ai.response.stop_reason", "finish_reasons", as_texts),
        Typed("llm.response.stop_reason", "finish_reasons", as_texts),
        Typed(f"{_PROPERTIES}user_id", "user", as_identifier),
        Typed(f"{_PROPERTIES}customer_id", "user", as_identifier),
        Typed(f"{_PROPERTIES}session_id", "session", as_identifier),
        Typed(f"{_PROPERTIES}conversation_id", "session", as_identifier),
        Typed(f"{_PROPERTIES}chat_id", "session", as_identifier),
        Typed("gen_ai.user", "user", as_identifier),
        Typed("llm.user", "user", as_identifier),
    ),
    contents=(
        Content("traceloop.entity.input", "prompt", text_of),
        Content("traceloop.entity.output", "completion", text_of),
    ),
    renamed={
        "gen_ai.openai.system_fingerprint": "openai.response.system_fingerprint",
        "gen_ai.request.n": a.REQUEST_CHOICE_COUNT,
        "gen_ai.request.max_completion_tokens": a.REQUEST_MAX_TOKENS,
        "llm.frequency_penalty": a.REQUEST_FREQUENCY_PENALTY,
        "llm.presence_penalty": a.REQUEST_PRESENCE_PENALTY,
        "llm.top_k": a.REQUEST_TOP_K,
        "llm.chat.stop_sequences": a.REQUEST_STOP_SEQUENCES,
    },
    chunk_events=("gen_ai.content.completion.chunk", "llm.content.completion.chunk"),
    exclusive=(
        Exclusive(
            "opentelemetry.instrumentation.bedrock",
            frozenset({"aws.bedrock", "AWS", "anthropic"}),
            "opentelemetry-instrumentation-bedrock 0.62, span_utils.py: Bedrock's inputTokens as "
            "they are, cacheReadInputTokens beside them",
        ),
    ),
)
