"""SGLang's request spans: vLLM's names, measured otherwise. Never counted, as all of an engine.

Its tracer, and so the scope, is called `sglang server`; the operator may name the service as they
like. Clocks: `time_to_first_token` and `e2e` from the request's creation in the API server,
`time_in_model_decode` from the first token. `time_in_model_prefill` runs from the dispatch to the
scheduler until the first token, so it includes the queue, of which SGLang writes no attribute.
"""

from tachograph_collector.translate.dialects.table import Dialect, Engine

DIALECT = Dialect(
    name="SGLang",
    source="sglang 0.5, srt/observability/trace.py and req_time_stats.py",
    engines=(
        Engine(
            scope_name="sglang server",
            provider="sglang",
            otherwise=("prefill_s", "engine_time_to_first_token_s"),
        ),
    ),
)
