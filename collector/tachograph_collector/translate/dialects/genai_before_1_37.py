"""OTel GenAI until 1.36, and names that the specification gave up later."""

from tachograph_collector.translate.convert import as_operation
from tachograph_collector.translate.dialects.table import (
    Content,
    Dialect,
    EventContent,
    EventMessage,
    Indexed,
    Typed,
)
from tachograph_collector.translate.indexed import indexed_messages
from tachograph_collector.translate.values import as_count, as_text, as_texts, text_of

DIALECT = Dialect(
    name="OTel GenAI until 1.36",
    source="semantic-conventions 1.27 to 1.41, deprecated names included",
    typed=(
        Typed("gen_ai.system", "provider", as_text),
        Typed("gen_ai.usage.prompt_tokens", "input_tokens", as_count),
        Typed("gen_ai.usage.completion_tokens", "output_tokens", as_count),
        Typed("gen_ai.usage.cache_creation.input_tokens", "cache_write_tokens", as_count),
        Typed("gen_ai.usage.cache_read_input_tokens", "cache_read_tokens", as_count),
        Typed("gen_ai.usage.cache_creation_input_tokens", "cache_write_tokens", as_count),
        Typed("gen_ai.operation", "operation", as_operation),
        Typed("gen_ai.response.finish_reason", "finish_reasons", as_texts),
    ),
    contents=(
        Content("gen_ai.prompt", "prompt", text_of),
        Content("gen_ai.completion", "completion", text_of),
        Indexed("gen_ai.prompt.", "prompt", indexed_messages),
        Indexed("gen_ai.completion.", "completion", indexed_messages),
    ),
    renamed={
        "gen_ai.openai.request.seed": "gen_ai.request.seed",
        "gen_ai.openai.request.response_format": "gen_ai.output.type",
        "gen_ai.openai.request.service_tier": "openai.request.service_tier",
        "gen_ai.openai.response.service_tier": "openai.response.service_tier",
        "gen_ai.openai.response.system_fingerprint": "openai.response.system_fingerprint",
    },
    event_messages=(
        EventMessage("gen_ai.system.message", "prompt", "system"),
        EventMessage("gen_ai.user.message", "prompt", "user"),
        EventMessage("gen_ai.assistant.message", "prompt", "assistant"),
        EventMessage("gen_ai.tool.message", "prompt", "tool"),
        EventMessage("gen_ai.choice", "completion", "assistant"),
    ),
    event_contents=(
        EventContent("gen_ai.content.prompt", "gen_ai.prompt", "prompt"),
        EventContent("gen_ai.content.completion", "gen_ai.completion", "completion"),
    ),
)
