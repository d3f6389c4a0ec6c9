"""Langfuse's OTel attributes, as its own SDK (3 to 5) and others write them.

`usage_details` comes in two shapes. OpenAI's own (`prompt_tokens`, …) has the details as parts.
Langfuse's (`input`, `input_cached_tokens`, …) has every kind apart, to be added up.
"""

from tachograph_collector.translate.convert import (
    as_counts,
    as_json_text,
    as_json_texts,
    as_total_cost,
    as_written_time,
    enumeration,
)
from tachograph_collector.translate.dialects.openinference import PARAMETERS
from tachograph_collector.translate.dialects.table import (
    FIRST_CHUNK_AT,
    LEVEL,
    STATUS_MESSAGE,
    USAGE,
    Blob,
    Content,
    Dialect,
    Typed,
)
from tachograph_collector.translate.shapes import messages_text
from tachograph_collector.translate.values import as_identifier, as_text

OBSERVATION_TYPES = {
    "generation": "chat",
    "embedding": "embeddings",
    "agent": "invoke_agent",
    "chain": "invoke_workflow",
    "tool": "execute_tool",
    "retriever": "retrieval",
    "guardrail": "guardrail",
    "evaluator": "evaluate",
}
_OBSERVATION = "langfuse.observation."

DIALECT = Dialect(
    name="Langfuse",
    source="langfuse 5.0.4, _client/attributes.py; langfuse.com/integrations/native/opentelemetry",
    typed=(
        Typed(f"{_OBSERVATION}type", "operation", enumeration(OBSERVATION_TYPES), keep=True),
        Typed(f"{_OBSERVATION}model.name", "response_model", as_text),
        Typed("langfuse.model.name", "response_model", as_text),
        Typed(f"{_OBSERVATION}usage_details", USAGE, as_counts, keep=True),
        Typed(f"{_OBSERVATION}cost_details", "reported_cost", as_total_cost, keep=True),
        Typed(
            f"{_OBSERVATION}completion_start_time",
            FIRST_CHUNK_AT,
            as_written_time,
            implies={"is_streaming": True},
        ),
        Typed(f"{_OBSERVATION}metadata.finish_reason", "finish_reasons", as_json_texts),
        Typed(f"{_OBSERVATION}level", LEVEL, as_text, keep=True),
        Typed(f"{_OBSERVATION}status_message", STATUS_MESSAGE, as_text),
        Typed("langfuse.user.id", "user", as_identifier),
        Typed("langfuse.session.id", "session", as_identifier),
        Typed("langfuse.trace.metadata.langfuse_user_id", "user", as_json_text),
        Typed("langfuse.trace.metadata.langfuse_session_id", "session", as_json_text),
    ),
    contents=(
        Content(f"{_OBSERVATION}input", "prompt", messages_text),
        Content(f"{_OBSERVATION}output", "completion", messages_text),
        Content("langfuse.trace.input", "prompt", messages_text),
        Content("langfuse.trace.output", "completion", messages_text),
    ),
    blobs=(Blob(f"{_OBSERVATION}model.parameters", PARAMETERS),),
)
