"""Pages of the engines' real names, and pages of garbage."""

from hypothesis import given
from hypothesis import strategies as st

from tachograph_sidecar.engines import ADAPTERS
from tachograph_sidecar.engines.prometheus import Sample, parse_page

PAGE = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a\\"b\\\\c\\nd,}"} 2.0
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0"} 1.5e3 1700000000000
# TYPE vllm:prompt_tokens_created gauge
vllm:prompt_tokens_created{engine="0"} 1.7e9
# TYPE vllm:generation_tokens counter
vllm:generation_tokens_total 7
# TYPE vllm:iteration_tokens_total histogram
vllm:iteration_tokens_total_bucket{le="1.0"} 3
vllm:iteration_tokens_total_bucket{le="+Inf"} 4
vllm:iteration_tokens_total_sum 9
vllm:iteration_tokens_total_count 4
# TYPE vllm:nan gauge
vllm:nan NaN
vllm:inf +Inf
process_cpu_seconds_total 12
vllm:untyped 3
vllm:broken{x="1" 3
vllm:broken{x=1} 3
vllm:broken 1 2 3
vllm:broken
"""


def _samples(page: str, prefixes: tuple[str, ...] = ("vllm:",)) -> list[Sample]:
    return [sample for sample in parse_page(page, prefixes) if sample is not None]


def test_a_page_becomes_samples_of_its_own_names() -> None:
    assert _samples(PAGE) == [
        Sample(
            "vllm:num_requests_running",
            {"engine": "0", "model_name": 'a"b\\c\nd,}'},
            2.0,
            "gauge",
        ),
        Sample("vllm:prompt_tokens_total", {"engine": "0"}, 1500.0, "counter"),
        Sample("vllm:generation_tokens_total", {}, 7.0, "counter"),
        Sample("vllm:iteration_tokens_total_bucket", {"le": "1.0"}, 3.0, "counter"),
        Sample("vllm:iteration_tokens_total_bucket", {"le": "+Inf"}, 4.0, "counter"),
        Sample("vllm:iteration_tokens_total_sum", {}, 9.0, "counter"),
        Sample("vllm:iteration_tokens_total_count", {}, 4.0, "counter"),
        Sample("vllm:untyped", {}, 3.0, "gauge"),
    ]


@given(st.text(max_size=300))
def test_garbage_gives_no_exception(text: str) -> None:
    _samples(text, ("",))
    _samples("vllm:x" + text)
    _samples("# TYPE vllm:x " + text + "\nvllm:x 1")


def test_a_line_without_end_is_left_out() -> None:
    assert _samples('vllm:x{a="' + "y" * 1_000_000) == []


def test_every_scraped_engine_has_prefixes() -> None:
    for adapter in ADAPTERS.values():
        assert (adapter.metrics_path is None) == (adapter.metric_prefixes == ())
