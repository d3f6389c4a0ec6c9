"""OpenLIT, besides the OTel GenAI names that it writes too.

`gen_ai.server.time_to_first_token` is the client's clock, from the call to the first chunk. Of a
call that is not streamed OpenLIT writes the whole duration there: that is no first chunk.
"""

from tachograph_collector.translate.dialects.table import (
    STREAMED_CHUNK_TIME,
    STREAMED_FIRST_CHUNK,
    Content,
    Dialect,
    Exclusive,
    Typed,
)
from tachograph_collector.translate.values import (
    as_count,
    as_flag,
    as_identifier,
    as_money,
    as_quantity,
    text_of,
)

DIALECT = Dialect(
    name="OpenLIT",
    source="openlit 1.45.0, openlit/semcov",
    typed=(
        Typed("gen_ai.usage.cost", "reported_cost", as_money),
        Typed("gen_ai.server.time_to_first_token", STREAMED_FIRST_CHUNK, as_quantity, keep=True),
        Typed("gen_ai.server.time_per_output_token", STREAMED_CHUNK_TIME, as_quantity, keep=True),
        Typed("gen_ai.request.is_stream", "is_streaming", as_flag),
        Typed("gen_ai.usage.reasoning_tokens", "reasoning_tokens", as_count),
        Typed("gen_ai.request.user", "user", as_identifier),
        Typed("gen_ai.user.id", "user", as_identifier),
        Typed("gen_ai.session.id", "session", as_identifier),
    ),
    contents=(
        Content("gen_ai.tool.args", "prompt", text_of),
        Content("gen_ai.tool.result", "completion", text_of),
        Content("gen_ai.workflow.input", "prompt", text_of),
        Content("gen_ai.workflow.output", "completion", text_of),
    ),
    exclusive=(
        Exclusive(
            "openlit.",
            frozenset({"anthropic", "aws.bedrock"}),
            "openlit 1.45.0, instrumentation/anthropic/utils.py and bedrock/utils.py: the "
            "provider's count as it is, cached tokens beside it",
        ),
    ),
)
