"""Hugging Face's text-generation-inference."""

from tachograph_sidecar.engines.adapter import EngineAdapter
from tachograph_sidecar.engines.deployment import AskEngine, Deployment, name_in

_SETTINGS = "/info"


def read_deployment(ask: AskEngine) -> Deployment:
    """From `/info` (by its published schema, not tried), which says no more of these."""
    said = ask(_SETTINGS)
    return Deployment(version=name_in(said, "version"), weights=name_in(said, "model_id"))


ADAPTER = EngineAdapter(
    name="tgi",
    provider="hugging_face",
    probe=(_SETTINGS, "model_id"),
    metrics_path="/metrics",
    metric_prefixes=("tgi_",),
    asks_for_usage=False,  # neither tried nor read: its streams stay as they are
    read_deployment=read_deployment,
)
