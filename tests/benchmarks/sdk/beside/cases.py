"""What must hold beside each of the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tachograph.testing import ReceivedSpan


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a driver's run gave."""

    spans: Sequence[ReceivedSpan]
    """That came to our receiver."""
    elsewhere: Sequence[str]
    """Names of the spans that the others' own exporter got, where the driver tells."""
    sentry_envelopes: int


@dataclass(frozen=True, slots=True)
class Case:
    """One run: a driver in an environment, with our provider set so."""

    driver: str
    environment: str
    provider: str
    promise: str
    holds: Callable[[Outcome], bool]


def _names(outcome: Outcome) -> list[str]:
    return sorted(span.name for span in outcome.spans)


def _ours_alone(outcome: Outcome) -> bool:
    return _names(outcome) == ["chat m", "ours"]


def _is_one_trace_below_ours(outcome: Outcome) -> bool:
    ids = {span.span_id for span in outcome.spans}
    roots = [span for span in outcome.spans if span.parent_span_id not in ids]
    return [root.name for root in roots] == ["ours"] and len(outcome.spans) > 1


def _model_call_arrives(outcome: Outcome) -> bool:
    kinds = [span.attributes.get("openinference.span.kind") for span in outcome.spans]
    return _is_one_trace_below_ours(outcome) and "LLM" in kinds


def _engine_times_arrive(outcome: Outcome) -> bool:
    """Three requests of two calls: each with its tokens, its choices and the engine's own times."""
    found = sorted(
        (
            span.name,
            span.attributes["gen_ai.usage.input_tokens"],
            span.attributes["gen_ai.usage.output_tokens"],
            len(span.attributes["gen_ai.response.finish_reasons"]),
        )
        for span in outcome.spans
    )
    expected = [
        ("chat tiny", 7, 10, 2),
        ("text_completion tiny", 3, 8, 1),
        ("text_completion tiny", 4, 8, 1),
    ]
    return found == expected and all(
        span.attributes[f"tachograph.engine.{phase}_time"] > 0
        for span in outcome.spans
        for phase in ("queue", "prefill", "decode")
    )


CASES: Final = (
    Case(
        "sentry",
        "langchain",
        "isolated",
        "ours arrive whole; Sentry gets its transaction",
        lambda outcome: _ours_alone(outcome) and outcome.sentry_envelopes > 0,
    ),
    Case(
        "sentry",
        "langchain",
        "global",
        "the same on the global provider",
        lambda outcome: _ours_alone(outcome) and outcome.sentry_envelopes > 0,
    ),
    Case(
        "openinference",
        "langchain",
        "isolated",
        "neither gets the other's spans",
        lambda outcome: _ours_alone(outcome) and outcome.elsewhere == ["ChatCompletion"],
    ),
    Case(
        "openinference",
        "langchain",
        "global",
        "all are one trace, and both get all of it",
        lambda outcome: (
            _model_call_arrives(outcome) and len(outcome.elsewhere) == len(outcome.spans) == 3
        ),
    ),
    Case(
        "langchain",
        "langchain",
        "global",
        "the chain's spans arrive below ours, the model call among them",
        _model_call_arrives,
    ),
    Case(
        "llama_index",
        "llama-index",
        "global",
        "the model call arrives below ours",
        _model_call_arrives,
    ),
    Case(
        "vllm",
        "vllm",
        "isolated",
        "vLLM's offline LLM: a span a request, with tokens and the engine's times",
        _engine_times_arrive,
    ),
)
