"""vLLM's own `llm_request` spans: what the engine says of a request, never counted.

Clocks: the span's start, `time_to_first_token` and `e2e` are wall-clock times of the API server,
from the request's arrival. The other latencies are differences of the engine core's monotonic
clock: in the queue until scheduled, prefill from scheduled to the first token (so it is the time
to first token from scheduling, too), decode from the first to the last token. Other engines that
took these names over have lines of their own.
"""

from tachograph.semconv.values import Observer
from tachograph_collector.translate.convert import as_vllm_request_id
from tachograph_collector.translate.dialects.table import ENGINE_NAME, Dialect, Typed
from tachograph_collector.translate.values import as_quantity

_ENGINE = {"observer": Observer.ENGINE, ENGINE_NAME: "vllm"}

DIALECT = Dialect(
    name="vLLM",
    source="vllm 0.32.0, its own spans, vllm/tracing and v1/engine/output_processor.py",
    typed=(
        Typed("gen_ai.request.id", "request_id", as_vllm_request_id, keep=True),
        Typed(
            "gen_ai.latency.time_to_first_token",
            "time_to_first_chunk_s",
            as_quantity,
            implies=_ENGINE,
        ),
        Typed("gen_ai.latency.time_in_queue", "queue_s", as_quantity, implies=_ENGINE),
        Typed(
            "gen_ai.latency.time_in_model_prefill",
            "prefill_s",
            as_quantity,
            keep=True,
            implies=_ENGINE,
            also=("engine_time_to_first_token_s",),
        ),
        Typed("gen_ai.latency.time_in_model_decode", "decode_s", as_quantity, implies=_ENGINE),
    ),
    renamed={"gen_ai.request.n": "gen_ai.request.choice.count"},
)
