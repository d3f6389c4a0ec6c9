"""vLLM."""

from tachograph_sidecar.engines.adapter import EngineAdapter

# Read in its source (not tried): chunks are written without unset fields, so `usage` appears only
# in the one event added at the end.
ADAPTER = EngineAdapter(
    name="vllm",
    provider="vllm",
    model_owner="vllm",
    metrics_path="/metrics",
    metric_prefixes=("vllm:",),
    asks_for_usage=True,
)
