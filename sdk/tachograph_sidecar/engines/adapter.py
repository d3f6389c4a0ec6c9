"""What the sidecar must know of an engine, as one value each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tachograph_sidecar.engines.deployment import AskEngine, Deployment
from tachograph_sidecar.engines.facts import EngineFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAdapter:
    """One engine.

    Attributes:
        name: what `--engine` takes.
        provider: `gen_ai.provider.name`.
        server_header: lower-case beginning of its `Server` response header, None if it has none.
        probe: a path and a key of the JSON object that only this engine answers there with, None
            if there is none.
        model_owner: `owned_by` in its `/v1/models`, None if it does not say.
        metrics_path: its Prometheus page, None where it has none.
        health_path: a page that answers 200 only while it can work, None where any answer must do.
        metric_prefixes: how the names of its own metrics begin.
        asks_for_usage: whether `include_usage` changes nothing in a stream but the one added
            event, so that the sidecar may ask for it unseen.
        markers: keys of its answers under which (or beside which) its per-request facts stand.
        read_facts: reads them from a JSON object of an answer that has one of the markers.
        read_deployment: asks it how it was started, None where it cannot say.
    """

    name: str
    provider: str
    server_header: str | None = None
    probe: tuple[str, str] | None = None
    model_owner: str | None = None
    metrics_path: str | None = None
    health_path: str | None = None
    metric_prefixes: tuple[str, ...] = ()
    asks_for_usage: bool = False
    markers: tuple[str, ...] = ()
    read_facts: Callable[[Mapping[str, object]], EngineFacts | None] | None = None
    read_deployment: Callable[[AskEngine], Deployment] | None = None
