"""SGLang."""

from tachograph_sidecar.engines.adapter import EngineAdapter
from tachograph_sidecar.engines.deployment import AskEngine, Deployment, name_in
from tachograph_sidecar.engines.facts import count

_SETTINGS = "/get_server_info"


def read_deployment(ask: AskEngine) -> Deployment:
    """From its arguments as it resolved them (read in its source, not tried)."""
    said = ask(_SETTINGS)
    return Deployment(
        version=name_in(said, "version"),
        weights=name_in(said, "model_path"),
        quantization=name_in(said, "quantization"),
        tensor_parallel_size=count(said, "tp_size"),
        pipeline_parallel_size=count(said, "pp_size"),
        attention_backend=name_in(said, "attention_backend"),
    )


ADAPTER = EngineAdapter(
    name="sglang",
    provider="sglang",
    probe=(_SETTINGS, "model_path"),
    model_owner="sglang",
    metrics_path="/metrics",
    metric_prefixes=("sglang:",),
    asks_for_usage=False,  # neither tried nor read: its streams stay as they are
    read_deployment=read_deployment,
)
