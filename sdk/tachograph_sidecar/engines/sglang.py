"""SGLang."""

from tachograph_sidecar.engines.adapter import EngineAdapter

ADAPTER = EngineAdapter(
    name="sglang",
    provider="sglang",
    probe=("/get_server_info", "model_path"),
    model_owner="sglang",
    metrics_path="/metrics",
    metric_prefixes=("sglang:",),
    asks_for_usage=False,  # neither tried nor read: its streams stay as they are
)
