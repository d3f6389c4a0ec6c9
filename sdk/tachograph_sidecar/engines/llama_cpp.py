"""llama.cpp's server."""

from collections.abc import Mapping

from tachograph_sidecar.engines.adapter import EngineAdapter
from tachograph_sidecar.engines.deployment import AskEngine, Deployment, name_in
from tachograph_sidecar.engines.facts import EngineFacts, count, seconds


def read_timings(chunk: Mapping[str, object]) -> EngineFacts | None:
    """`timings`: milliseconds from the slot's start; `prompt_n` leaves cached tokens out."""
    timings = chunk.get("timings")
    if not isinstance(timings, dict):
        return None
    computed, cached = count(timings, "prompt_n"), count(timings, "cache_n")
    prefill_s = seconds(timings, "prompt_ms", 1e3)
    return EngineFacts(
        time_to_first_token_s=prefill_s,
        prefill_s=prefill_s,
        decode_s=seconds(timings, "predicted_ms", 1e3),
        input_tokens=None if computed is None else computed + (cached or 0),
        output_tokens=count(timings, "predicted_n"),
        cache_read_tokens=cached,
    )


def read_deployment(ask: AskEngine) -> Deployment:
    """From `/props`; older builds leave `model_ftype` out."""
    properties = ask("/props")
    return Deployment(
        version=name_in(properties, "build_info"),
        weights=name_in(properties, "model_path"),
        quantization=name_in(properties, "model_ftype"),
    )


# Tried with a real server (b11549): `include_usage` moves `timings` from the last chunk into the
# added usage event, so other bytes change: not asked for. `timings` carries the counts anyway.
ADAPTER = EngineAdapter(
    name="llama_cpp",
    provider="llama_cpp",
    server_header="llama.cpp",
    probe=("/props", "default_generation_settings"),
    model_owner="llamacpp",
    metrics_path="/metrics",
    metric_prefixes=("llamacpp:",),
    asks_for_usage=False,
    markers=("timings",),
    read_facts=read_timings,
    read_deployment=read_deployment,
)
