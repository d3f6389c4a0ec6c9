"""Which traces of an isolated tracer are recorded, by OpenTelemetry's variables.

Parents of isolated spans are always our own spans, which pass on what was decided for their trace:
so `traceidratio` and `parentbased_traceidratio` come to the same, and so do the others.
"""

import logging
from collections.abc import Callable, Mapping

_log = logging.getLogger("tachograph")

Sampler = Callable[[int], bool]
"""Trace id -> is the trace recorded?"""


def sampler_from(environment: Mapping[str, str]) -> Sampler | None:
    """The sampler of OTEL_TRACES_SAMPLER; None where every trace is recorded."""
    name = environment.get("OTEL_TRACES_SAMPLER", "").strip().lower()
    kind = name.removeprefix("parentbased_")
    if kind in ("", "always_on"):
        return None
    if kind == "always_off":
        return lambda trace_id: False
    if kind == "traceidratio":
        bound = round(_ratio(environment.get("OTEL_TRACES_SAMPLER_ARG", "")) * 2**64)
        return lambda trace_id: trace_id & 0xFFFF_FFFF_FFFF_FFFF < bound
    _log.error("tachograph: OTEL_TRACES_SAMPLER is passed over: %r is not known here", name)
    return None


def _ratio(text: str) -> float:
    try:
        ratio = float(text or 1.0)
    except ValueError:
        ratio = -1.0
    if 0.0 <= ratio <= 1.0:
        return ratio
    _log.error("tachograph: OTEL_TRACES_SAMPLER_ARG is passed over: needs a number from 0 to 1")
    return 1.0
