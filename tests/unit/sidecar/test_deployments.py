"""How engines say that they were started, by the fields of their own pages."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_sidecar.engines import ADAPTERS
from tachograph_sidecar.engines.deployment import UNSTATED, Deployment

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
KEYS = ("version", "model_path", "model_id", "tp_size", "pp_size", "quantization", "build_info")


def _said(engine: str, pages: Mapping[str, Mapping[str, object]]) -> Deployment:
    read = ADAPTERS[engine].read_deployment
    assert read is not None
    return read(lambda path: pages.get(path, {}))


def test_sglang_says_all_of_it_and_its_key_goes_nowhere() -> None:
    page = {
        "model_path": "org/model",
        "served_model_name": "m",
        "api_key": "secret",
        "tp_size": 4,
        "pp_size": 2,
        "quantization": "fp8",
        "attention_backend": "fa3",
        "version": "0.5.9",
        "internal_states": [{}],
    }
    said = _said("sglang", {"/get_server_info": page})
    assert said == Deployment(
        version="0.5.9",
        weights="org/model",
        quantization="fp8",
        tensor_parallel_size=4,
        pipeline_parallel_size=2,
        attention_backend="fa3",
    )
    assert "secret" not in repr(said)


@pytest.mark.parametrize(
    ("engine", "path", "page", "expected"),
    [
        (
            "tgi",
            "/info",
            {"model_id": "org/model", "version": "3.3.7", "max_batch_size": None},
            Deployment(version="3.3.7", weights="org/model"),
        ),
        (
            "llama_cpp",
            "/props",
            {"build_info": "b11549-x", "model_path": "/m.gguf", "model_ftype": "Q4_1"},
            Deployment(version="b11549-x", weights="/m.gguf", quantization="Q4_1"),
        ),
        ("ollama", "/api/version", {"version": "0.20.1"}, Deployment(version="0.20.1")),
    ],
)
def test_what_others_say(
    engine: str, path: str, page: Mapping[str, object], expected: Deployment
) -> None:
    assert _said(engine, {path: page}) == expected
    assert _said(engine, {}) == UNSTATED


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.sampled_from(sorted(ADAPTERS)))
def test_any_page_is_survived(page: Mapping[str, object], engine: str) -> None:
    read = ADAPTERS[engine].read_deployment
    if read is not None:
        said = read(lambda path: page)
        json.dumps([said.version, said.weights, said.quantization, said.tensor_parallel_size])
