"""OTEL_TRACES_SAMPLER for spans of our own."""

import pytest

from tachograph._internal.sampling import sampler_from


@pytest.mark.parametrize("name", ["", "always_on", "parentbased_always_on", "nonsense"])
def test_all_is_recorded_unless_said_otherwise(name: str) -> None:
    assert sampler_from({"OTEL_TRACES_SAMPLER": name}) is None


@pytest.mark.parametrize("name", ["always_off", "parentbased_always_off"])
def test_nothing(name: str) -> None:
    sampler = sampler_from({"OTEL_TRACES_SAMPLER": name})
    assert sampler is not None
    assert not sampler(1)


@pytest.mark.parametrize("name", ["traceidratio", "ParentBased_TraceIdRatio"])
def test_a_ratio_decides_by_the_trace_as_other_sdks_do(name: str) -> None:
    sampler = sampler_from({"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": "0.25"})
    assert sampler is not None
    assert sampler((7 << 64) | (2**62 - 1))
    assert not sampler((7 << 64) | 2**62)


@pytest.mark.parametrize("argument", ["", "often", "2", "-1", "nan"])
def test_a_ratio_that_makes_no_sense_records_all(argument: str) -> None:
    environment = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": argument}
    sampler = sampler_from(environment)
    assert sampler is not None
    assert sampler(2**128 - 1)
