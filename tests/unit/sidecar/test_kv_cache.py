"""Bytes of keys and values from the configs of known models."""

import json
from pathlib import Path
from typing import Any

import pytest

from tachograph_sidecar.kv_cache import KvShape, read_shape, shape_of

LLAMA_3_8B: dict[str, Any] = {
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "hidden_size": 4096,
    "torch_dtype": "bfloat16",
}


def test_grouped_queries() -> None:
    """Llama 3 8B keeps 128 KiB a token: 2 x 32 layers x 8 heads x 128 x 2 bytes."""
    shape = shape_of(LLAMA_3_8B)
    assert shape.bytes_of(1) == 131_072
    assert shape.bytes_of(8_000) == 8_000 * 131_072


def test_latent_attention_keeps_one_vector() -> None:
    """DeepSeek-V3: 61 layers of 512 + 64 elements."""
    config = {
        "num_hidden_layers": 61,
        "num_attention_heads": 128,
        "kv_lora_rank": 512,
        "qk_rope_head_dim": 64,
        "hidden_size": 7168,
        "dtype": "bfloat16",
    }
    assert shape_of(config).bytes_of(10) == 10 * 61 * 576 * 2


def test_layers_with_a_window_keep_the_last_tokens() -> None:
    kinds = ["sliding_attention"] * 5 + ["full_attention"]
    config = {**LLAMA_3_8B, "num_hidden_layers": 6, "layer_types": kinds, "sliding_window": 100}
    layer_bytes = 2 * 8 * 128 * 2
    assert shape_of(config) == KvShape(layer_bytes, 1, 5, 100)
    assert shape_of(config).bytes_of(50) == layer_bytes * 6 * 50
    assert shape_of(config).bytes_of(1_000) == layer_bytes * (1_000 + 5 * 100)
    mistral = {**LLAMA_3_8B, "sliding_window": 4096}
    assert shape_of(mistral).bytes_of(10_000) == 32 * layer_bytes * 4096
    assert shape_of({**mistral, "use_sliding_window": False}).bytes_of(10_000) == 10_000 * 131_072


def test_layers_without_a_cache_and_configs_of_several_parts() -> None:
    kinds = ["linear_attention", "linear_attention", "linear_attention", "full_attention"]
    text = {**LLAMA_3_8B, "num_hidden_layers": 4, "layer_types": kinds, "head_dim": 256}
    assert shape_of({"text_config": text}).bytes_of(1) == 2 * 8 * 256 * 2
    gpt2 = {"n_layer": 12, "n_head": 12, "n_embd": 768, "dtype": "float32"}
    assert shape_of(gpt2).bytes_of(1) == 2 * 12 * 768 * 4
    assert shape_of({**gpt2, "multi_query": True}).bytes_of(1) == 2 * 12 * 64 * 4


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"num_hidden_layers": None}, "num_hidden_layers"),
        ({"num_attention_heads": "32"}, "num_attention_heads"),
        ({"torch_dtype": None}, "dtype"),
        ({"torch_dtype": "int3"}, "torch_dtype"),
        ({"hidden_size": 0}, "hidden_size"),
    ],
)
def test_what_is_missing_is_named(change: dict[str, object], named: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**LLAMA_3_8B, **change}))
    with pytest.raises(ValueError, match=named):
        read_shape(tmp_path)


def test_a_folder_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps(LLAMA_3_8B))
    assert read_shape(tmp_path) == read_shape(file) == shape_of(LLAMA_3_8B)
    file.write_text("[]")
    with pytest.raises(ValueError, match="num_hidden_layers"):
        read_shape(file)
    with pytest.raises(OSError):
        read_shape(tmp_path / "nothing")
