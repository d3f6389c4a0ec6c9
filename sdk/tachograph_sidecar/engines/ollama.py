"""Ollama."""

from collections.abc import Mapping

from tachograph_sidecar.engines.adapter import EngineAdapter
from tachograph_sidecar.engines.deployment import AskEngine, Deployment, name_in
from tachograph_sidecar.engines.facts import EngineFacts, count, seconds

_VERSION = "/api/version"


def read_durations(chunk: Mapping[str, object]) -> EngineFacts:
    """The last object of a native answer: nanoseconds. `prompt_eval_count` is absent when the whole
    prompt was cached. Loading the model is time the request waited."""
    prefill_s = seconds(chunk, "prompt_eval_duration", 1e9)
    return EngineFacts(
        time_to_first_token_s=prefill_s,
        queue_s=seconds(chunk, "load_duration", 1e9),
        prefill_s=prefill_s,
        decode_s=seconds(chunk, "eval_duration", 1e9),
        input_tokens=count(chunk, "prompt_eval_count"),
        output_tokens=count(chunk, "eval_count"),
    )


def read_deployment(ask: AskEngine) -> Deployment:
    """Its version; it loads models as they are asked for."""
    return Deployment(version=name_in(ask(_VERSION), "version"))


# Read in its source (not tried): usage is one event of its own before [DONE]; other chunks leave
# the field out.
ADAPTER = EngineAdapter(
    name="ollama",
    provider="ollama",
    probe=(_VERSION, "version"),
    model_owner="library",
    asks_for_usage=True,
    markers=("total_duration",),
    read_facts=read_durations,
    read_deployment=read_deployment,
)
