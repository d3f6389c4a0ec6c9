"""Flight recorder for language models: record calls, documents, functions and scores.

    import tachograph

    tachograph.init(service_name="helpdesk")
    client = tachograph.wrap(openai.OpenAI())

    @tachograph.observe
    def answer(question: str) -> str:
        with tachograph.context(tenant="acme", user="u-17"):
            ...

Everything is sent by OTLP/HTTP in OpenTelemetry's GenAI conventions from a background thread.
Nothing raises into the application, nothing blocks it, and every record that is lost is counted.
Types are in `tachograph.types`, errors in `tachograph.exceptions`, the test kit in
`tachograph.testing`, names on the wire in `tachograph.semconv`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from tachograph.version import __version__

if TYPE_CHECKING:
    from tachograph._internal.client import counts, current_ids
    from tachograph._internal.facts import context
    from tachograph._internal.generation import Generation, generation
    from tachograph._internal.lifecycle import flush, init, shutdown
    from tachograph._internal.observe import observe
    from tachograph._internal.retrieval import Retrieval, retrieval
    from tachograph._internal.score import score
    from tachograph._internal.spans import Span, span
    from tachograph._internal.wrapping import wrap

__all__ = [
    "Generation",
    "Retrieval",
    "Span",
    "__version__",
    "context",
    "counts",
    "current_ids",
    "flush",
    "generation",
    "init",
    "observe",
    "retrieval",
    "score",
    "shutdown",
    "span",
    "wrap",
]

# Loaded on first use: `tachograph.semconv` is imported by services and command lines that record
# nothing and should not pay for opentelemetry.
_HOMES = {
    "Generation": "generation",
    "Retrieval": "retrieval",
    "Span": "spans",
    "context": "facts",
    "counts": "client",
    "current_ids": "client",
    "flush": "lifecycle",
    "generation": "generation",
    "init": "lifecycle",
    "observe": "observe",
    "retrieval": "retrieval",
    "score": "score",
    "shutdown": "lifecycle",
    "span": "spans",
    "wrap": "wrapping",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'tachograph' has no attribute {name!r}")
    value = getattr(import_module(f"tachograph._internal.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
