"""What must hold of the sidecar's spans and joules, as checks that people can read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tests.benchmarks.transformers_serve.sink import Sink, Span, Value

from tachograph.semconv import attributes, metrics

CONSERVATION_LIMIT = 0.02
"""Joules that may be missing or too many, as a share of what the GPU's counter says."""

COUNTER_LIMIT = 0.05
"""The same against readings taken apart: the sidecar's sums end a second or two before they are told,
and the GPU cools down meanwhile."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold."""

    name: str
    has_held: bool
    detail: str


def span_checks(spans: Mapping[str, Span], model: str, left_id: str) -> list[Check]:
    """Of every span, by request id: tokens, times, engine, model; of `left_id`, that its client went."""
    stayed = {key: span.attributes for key, span in spans.items() if key != left_id}
    streams = [found for found in stayed.values() if found.get(attributes.REQUEST_STREAM)]
    left = spans[left_id].attributes if left_id in spans else {}
    return [
        _all_have("input tokens", stayed.values(), attributes.USAGE_INPUT_TOKENS),
        _all_have("output tokens", stayed.values(), attributes.USAGE_OUTPUT_TOKENS),
        _all_have("time to first chunk", streams, attributes.RESPONSE_TIME_TO_FIRST_CHUNK),
        _all_have("gap between chunks (median)", streams, attributes.STREAM_GAP_P50),
        _all_have("bytes of KV cache", stayed.values(), attributes.KV_CACHE_BYTES),
        _all_are("engine's provider", stayed.values(), attributes.PROVIDER_NAME, "hugging_face"),
        _all_are("model asked for", stayed.values(), attributes.REQUEST_MODEL, model),
        _all_are("status", stayed.values(), "http.response.status_code", 200),
        Check(
            "the client that hung up",
            left.get(attributes.CLIENT_DISCONNECTED) is True,
            f"{attributes.CLIENT_DISCONNECTED} = {left.get(attributes.CLIENT_DISCONNECTED)}",
        ),
    ]


@dataclass(frozen=True, slots=True)
class Energy:
    """Joules as the sidecar told them, and as the GPU's counter did to this script.

    Attributes:
        drawn_j: of the whole run, by the sidecar.
        booked_j: its accounts.
        spans_j: the sum over all spans.
        told_j: drawn between the first and the last time that the sidecar told of it.
        counter_j: between the same moments by the counter; None where it was not read.
    """

    drawn_j: float
    booked_j: Mapping[str, float]
    spans_j: float
    told_j: float
    counter_j: float | None

    @property
    def conservation_error(self) -> float:
        """Of the accounts against the counter."""
        return abs(sum(self.booked_j.values()) - self.drawn_j) / self.drawn_j

    @property
    def spans_error(self) -> float:
        """Of the sum of all spans against the account of requests, as a share of what was drawn."""
        return abs(self.spans_j - self.booked_j.get("requests", 0.0)) / self.drawn_j

    @property
    def settled_error(self) -> float:
        """Of all spans with the accounts beside them, once the remainder was booked to its bins."""
        beside_j = self.booked_j.get("idle", 0.0) + self.booked_j.get("others", 0.0)
        return abs(self.spans_j + beside_j - self.drawn_j) / self.drawn_j

    @property
    def unattributed_share(self) -> float:
        """What the power readings and the counter do not agree on."""
        return abs(self.booked_j.get("unattributed", 0.0)) / self.drawn_j

    @property
    def counter_error(self) -> float | None:
        """Of what the sidecar says was drawn against this script's own readings of the counter."""
        if not self.counter_j:
            return None
        return abs(self.told_j - self.counter_j) / self.counter_j


def energy_checks(spans: Mapping[str, Span], energy: Energy) -> list[Check]:
    """Joules and GPU-seconds of every span, and that they sum to the accounts and the counter."""
    found = [span.attributes for span in spans.values()]
    checks = [
        _all_have("joules", found, attributes.ENERGY),
        _all_have("GPU-seconds", found, attributes.GPU_SECONDS),
        _share("accounts against what was drawn", energy.conservation_error),
        _share("spans against the account of requests", energy.spans_error),
        _share("unattributed", energy.unattributed_share),
        _share("spans, idle and others against what was drawn", energy.settled_error),
    ]
    if energy.counter_error is not None:
        checks.append(
            _share("drawn against the counter read apart", energy.counter_error, COUNTER_LIMIT)
        )
    return checks


def owner_check(sink: Sink, engine_pids: frozenset[int], driver_pids: frozenset[int]) -> Check:
    """That the engine's process was told to be the owner of the GPU's memory.

    In a container the driver may number processes as the host does: then the engine cannot be known
    among them, and nobody may be called another's.
    """
    told = {
        point.attributes.get(attributes.PROCESS_PID): point.attributes.get(
            attributes.PROCESS_IS_ENGINE
        )
        for point in sink.named(metrics.PROCESS_GPU_MEMORY_USAGE)
    }
    known = engine_pids & driver_pids
    detail = f"engine {sorted(engine_pids)}, driver {sorted(driver_pids)}, told {told}"
    if known:
        has_held = all(told.get(pid) is True for pid in known)
        return Check("the engine's process owns the GPU", has_held, detail)
    has_held = all(is_engine is None for is_engine in told.values())
    return Check("processes of unknown numbers are nobody's", has_held, detail)


def _share(name: str, value: float, limit: float = CONSERVATION_LIMIT) -> Check:
    return Check(name, value <= limit, f"{value:.3%}")


def _all_have(name: str, found: Iterable[Mapping[str, Value]], attribute: str) -> Check:
    values = [one.get(attribute) for one in found]
    held = [value for value in values if isinstance(value, int | float) and value > 0]
    detail = f"{len(held)} of {len(values)}"
    if held:
        detail += f", {min(held):.4g} to {max(held):.4g}"
    return Check(name, bool(values) and len(held) == len(values), detail)


def _all_are(
    name: str, found: Iterable[Mapping[str, Value]], attribute: str, wanted: Value
) -> Check:
    values = {one.get(attribute) for one in found}
    return Check(name, values == {wanted}, ", ".join(sorted(map(str, values))))
