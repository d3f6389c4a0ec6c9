"""vLLM."""

import re
from collections.abc import Mapping

from tachograph_sidecar.engines.adapter import EngineAdapter
from tachograph_sidecar.engines.deployment import (
    MAX_MODELS,
    AskEngine,
    Deployment,
    ServedModel,
    name_in,
    table_in,
)
from tachograph_sidecar.engines.facts import EngineFacts, count, seconds

_PARALLEL = re.compile(r"-(tp|pp)([1-9]\d{0,5})(?=-)")


def read_metrics(chunk: Mapping[str, object]) -> EngineFacts | None:
    """`metrics` (with `--enable-per-request-metrics`): milliseconds of the engine core's monotonic
    clock, the first token counted from scheduling; null for more than one choice. In a stream they
    stand in the usage event. `system_fingerprint` names degrees of parallelism above 1."""
    fingerprint = name_in(chunk, "system_fingerprint") or ""
    metrics = table_in(chunk, "metrics")
    is_ours = fingerprint.startswith("vllm-")
    if not is_ours and "time_to_first_token_ms" not in metrics:
        return None
    degrees = dict(_PARALLEL.findall(fingerprint)) if is_ours else {}
    prefill_s = seconds(metrics, "time_to_first_token_ms", 1e3)
    return EngineFacts(
        time_to_first_token_s=prefill_s,
        queue_s=seconds(metrics, "queue_time_ms", 1e3),
        prefill_s=prefill_s,
        decode_s=seconds(metrics, "generation_time_ms", 1e3),
        tensor_parallel_size=int(degrees["tp"]) if "tp" in degrees else None,
        pipeline_parallel_size=int(degrees["pp"]) if "pp" in degrees else None,
    )


def read_deployment(ask: AskEngine) -> Deployment:
    """From `/version`, `/v1/models`, and `/server_info`, which only `VLLM_SERVER_DEV_MODE=1` opens.
    An attention backend that nobody chose is null there."""
    config = table_in(ask("/server_info?config_format=json"), "vllm_config")
    parallel = table_in(config, "parallel_config")
    return Deployment(
        version=name_in(ask("/version"), "version"),
        quantization=name_in(table_in(config, "model_config"), "quantization"),
        tensor_parallel_size=count(parallel, "tensor_parallel_size"),
        pipeline_parallel_size=count(parallel, "pipeline_parallel_size"),
        attention_backend=name_in(table_in(config, "attention_config"), "backend"),
        models=_served(ask("/v1/models").get("data")),
    )


def _served(listed: object) -> Mapping[str, ServedModel]:
    """Adapters name the model they sit on as `parent`; `root` is where weights were read."""
    cards = [card for card in listed if isinstance(card, dict)] if isinstance(listed, list) else []
    roots = {name_in(card, "id"): name_in(card, "root") for card in cards[:MAX_MODELS]}
    served: dict[str, ServedModel] = {}
    for card in cards[:MAX_MODELS]:
        name, parent = name_in(card, "id"), name_in(card, "parent")
        if name is None:
            continue
        if parent is None:
            served[name] = ServedModel(weights=roots[name])
        else:
            served[name] = ServedModel(weights=roots.get(parent, parent), adapter=name)
    return served


# Tried with a real server (0.32.0): with `include_usage`, `usage` appears only in the one event added
# at the end, and `system_fingerprint` moves into it; the proxy's usage filter moves it back.
ADAPTER = EngineAdapter(
    name="vllm",
    provider="vllm",
    model_owner="vllm",
    metrics_path="/metrics",
    metric_prefixes=("vllm:",),
    asks_for_usage=True,
    markers=("system_fingerprint", "metrics"),
    read_facts=read_metrics,
    read_deployment=read_deployment,
)
