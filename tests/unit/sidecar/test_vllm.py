"""The vLLM adapter on what a real server said, recorded by tests/conformance/vllm_server.py."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tachograph_sidecar.engines import ADAPTERS, facts_of
from tachograph_sidecar.engines.deployment import ServedModel
from tachograph_sidecar.engines.facts import EngineFacts
from tachograph_sidecar.engines.prometheus import Sample, parse_page
from tachograph_sidecar.engines.vllm import read_deployment, read_metrics
from tachograph_sidecar.observe.answer import Answer

RECORDED = Path(__file__).parents[2] / "fixtures" / "vllm"


@pytest.fixture(scope="module")
def pages() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = json.loads((RECORDED / "pages.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    page = (RECORDED / "metrics.txt").read_text()
    prefixes = ADAPTERS["vllm"].metric_prefixes
    return [sample for sample in parse_page(page, prefixes) if sample is not None]


def test_every_line_of_its_own_metrics_is_read(samples: list[Sample]) -> None:
    lines = (RECORDED / "metrics.txt").read_text().splitlines()
    own = [line for line in lines if line.startswith("vllm:") and "_created" not in line]
    assert len(samples) == len(own) > 300


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("vllm:num_requests_running", "gauge"),
        ("vllm:num_requests_waiting", "gauge"),
        ("vllm:kv_cache_usage_perc", "gauge"),
        ("vllm:cache_config_info", "gauge"),
        ("vllm:lora_requests_info", "gauge"),
        ("vllm:num_preemptions_total", "counter"),
        ("vllm:prefix_cache_queries_total", "counter"),
        ("vllm:prefix_cache_hits_total", "counter"),
        ("vllm:prompt_tokens_total", "counter"),
        ("vllm:generation_tokens_total", "counter"),
        ("vllm:request_success_total", "counter"),
        ("vllm:iteration_tokens_total_sum", "counter"),
        ("vllm:request_queue_time_seconds_bucket", "counter"),
        ("vllm:request_prefill_time_seconds_sum", "counter"),
        ("vllm:request_decode_time_seconds_count", "counter"),
        ("vllm:time_to_first_token_seconds_bucket", "counter"),
    ],
)
def test_metrics_have_their_kind(samples: list[Sample], name: str, kind: str) -> None:
    assert {sample.kind for sample in samples if sample.name == name} == {kind}


def test_how_it_was_started(pages: Mapping[str, Any]) -> None:
    said = read_deployment(lambda path: pages.get(path, {}))
    assert said.version == "0.32.0"
    assert (said.tensor_parallel_size, said.pipeline_parallel_size) == (1, 1)
    assert said.quantization is None and said.attention_backend is None
    assert said.models == {
        "tiny": ServedModel(weights="/models/tiny"),
        "fine": ServedModel(weights="/models/tiny", adapter="fine"),
    }


def test_a_server_without_its_development_page_states_less(pages: Mapping[str, Any]) -> None:
    said = read_deployment(lambda path: {} if "server_info" in path else pages[path])
    assert said.version == "0.32.0"
    assert said.tensor_parallel_size is None and said.quantization is None


def test_what_it_was_given_is_recorded() -> None:
    config = {
        "model_config": {"quantization": "awq"},
        "parallel_config": {"tensor_parallel_size": 2, "pipeline_parallel_size": 4},
        "attention_config": {"backend": "FLASH_ATTN"},
    }
    said = read_deployment(lambda path: {"vllm_config": config} if "info" in path else {})
    assert (said.quantization, said.attention_backend) == ("awq", "FLASH_ATTN")
    assert (said.tensor_parallel_size, said.pipeline_parallel_size) == (2, 4)


@pytest.mark.parametrize("page", [{}, {"data": 1}, {"data": [1, {"id": 2}, {"parent": "x"}]}])
def test_pages_of_garbage_state_nothing(page: Mapping[str, object]) -> None:
    said = read_deployment(lambda path: page)
    assert said.version is None and not said.models


@pytest.mark.parametrize("label", ["chat", "chat-stream-usage"])
def test_times_of_a_request_are_the_engines(pages: Mapping[str, Any], label: str) -> None:
    answer = Answer(keeps_text=False, text_limit=0)
    for chunk in pages[label]:
        answer.add(chunk)
    metrics = pages[label][-1]["metrics"]
    assert answer.engine.queue_s == metrics["queue_time_ms"] / 1e3
    assert answer.engine.prefill_s == metrics["time_to_first_token_ms"] / 1e3
    assert answer.engine.time_to_first_token_s == answer.engine.prefill_s
    assert answer.engine.decode_s == metrics["generation_time_ms"] / 1e3
    assert answer.fingerprint == pages[label][-1]["system_fingerprint"]
    assert answer.output_tokens is not None and answer.cache_read_tokens is not None


def test_a_fingerprint_names_degrees_of_parallelism() -> None:
    found = facts_of({"system_fingerprint": "vllm-0.32.0-tp8-pp2-dp2-ep-32ef49ed"})
    assert found == EngineFacts(tensor_parallel_size=8, pipeline_parallel_size=2)
    # as the real server wrote it with --tensor-parallel-size 2
    assert facts_of({"system_fingerprint": "vllm-0.32.0-tp2-06481175"}) == EngineFacts(
        tensor_parallel_size=2
    )


@pytest.mark.parametrize(
    "chunk",
    [
        {"system_fingerprint": "fp_ollama"},
        {"system_fingerprint": "b11549-tp2-x", "metrics": None},
        {"metrics": {"loss": 1.0}},
        {"metrics": [1]},
    ],
)
def test_what_others_say_under_these_names_is_not_read(chunk: Mapping[str, object]) -> None:
    assert read_metrics(chunk) is None
