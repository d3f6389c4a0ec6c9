"""Hugging Face's text-generation-inference."""

from tachograph_sidecar.engines.adapter import EngineAdapter

ADAPTER = EngineAdapter(
    name="tgi",
    provider="hugging_face",
    probe=("/info", "model_id"),
    metrics_path="/metrics",
    metric_prefixes=("tgi_",),
    asks_for_usage=False,  # neither tried nor read: its streams stay as they are
)
