"""The engines that the sidecar knows: one small file each."""

from collections.abc import Mapping

from tachograph_sidecar.engines import llama_cpp, ollama, sglang, tgi, transformers, vllm
from tachograph_sidecar.engines.adapter import EngineAdapter
from tachograph_sidecar.engines.facts import EngineFacts

ADAPTERS: Mapping[str, EngineAdapter] = {
    module.ADAPTER.name: module.ADAPTER
    for module in (llama_cpp, ollama, vllm, sglang, tgi, transformers)
}
"""What `--engine` takes -> adapter."""

UNKNOWN = EngineAdapter(name="unknown", provider="openai_compatible", metrics_path="/metrics")
"""An engine that was not recognised: nothing is asked of it that could change its bytes."""


def by_server_header(value: str) -> EngineAdapter | None:
    """The engine that names itself in its `Server` header, None where it does not."""
    value = value.lower()
    for adapter in ADAPTERS.values():
        if adapter.server_header is not None and value.startswith(adapter.server_header):
            return adapter
    return None


_READERS = [
    (marker, adapter.read_facts)
    for adapter in ADAPTERS.values()
    if adapter.read_facts is not None
    for marker in adapter.markers
]


def facts_of(chunk: Mapping[str, object]) -> EngineFacts | None:
    """The engine's own facts in one JSON object of an answer, None where it has none.

    The markers differ between engines, so the answer itself says whose facts it carries.
    """
    for marker, read in _READERS:
        if marker in chunk:
            return read(chunk)
    return None


__all__ = ["ADAPTERS", "UNKNOWN", "EngineAdapter", "EngineFacts", "by_server_header", "facts_of"]
