"""How many bytes of keys and values a request held, by arithmetic on the model's own config."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MAX_BYTES: Final = 4 * 1024 * 1024
_CONFIG: Final = "config.json"
_DTYPE_BYTES: Final = {
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "float8_e4m3fn": 1,
    "float8_e5m2": 1,
}
_NO_CACHE: Final = frozenset({"linear_attention", "mamba", "conv"})
"""Layers whose state does not grow with the context."""


@dataclass(frozen=True, slots=True)
class KvShape:
    """What one model keeps of its context.

    Attributes:
        layer_bytes: of one token in one layer.
        full_layers: that keep every token.
        window_layers: that keep the last `window` tokens.
    """

    layer_bytes: int
    full_layers: int
    window_layers: int = 0
    window: int = 0

    def bytes_of(self, tokens: int) -> int:
        """Held by a request of so many tokens, prompt and answer together; padding to whole blocks,
        which engines add, left out."""
        kept = self.full_layers * tokens + self.window_layers * min(tokens, self.window)
        return self.layer_bytes * kept


def read_shape(path: Path) -> KvShape:
    """From a model's `config.json`, or the folder that holds it.

    Raises ValueError, naming the field, for a config without the facts; OSError.
    """
    file = path / _CONFIG if path.is_dir() else path
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{file} is longer than {MAX_BYTES} bytes")
    try:
        config = json.loads(data)
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}") from error
    try:
        return shape_of(config if isinstance(config, dict) else {})
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def shape_of(config: Mapping[str, Any]) -> KvShape:
    """From the fields of a `config.json` as transformers writes them.

    Two tensors of key-value heads a layer (grouped-query attention, Ainslie et al. 2023), or one
    compressed vector and a rotary part (multi-head latent attention, DeepSeek-V2, 2024). Keys and values
    have the model's own type; an engine that quantises its cache holds less.

    Raises ValueError, naming the field that is missing.
    """
    text = config.get("text_config")
    facts: Mapping[str, Any] = text if isinstance(text, dict) else config
    layers = _whole(facts, "num_hidden_layers", "n_layer")
    element_bytes = _element_bytes(facts, config)
    if facts.get("kv_lora_rank"):
        width = _whole(facts, "kv_lora_rank") + _whole(facts, "qk_rope_head_dim")
    else:
        heads = _whole(facts, "num_attention_heads", "n_head")
        kv_heads = _optional(facts, "num_key_value_heads") or (
            1 if facts.get("multi_query") else heads
        )
        head = _optional(facts, "head_dim") or _whole(facts, "hidden_size", "n_embd") // heads
        width = 2 * kv_heads * head
    window = _optional(facts, "sliding_window") or 0
    kinds = facts.get("layer_types")
    if isinstance(kinds, list) and len(kinds) == layers:
        windowed = sum(kind == "sliding_attention" for kind in kinds) if window else 0
        without = sum(kind in _NO_CACHE for kind in kinds)
        return KvShape(width * element_bytes, layers - windowed - without, windowed, window)
    if window and facts.get("use_sliding_window", True):
        return KvShape(width * element_bytes, 0, layers, window)
    return KvShape(width * element_bytes, layers)


def _element_bytes(facts: Mapping[str, Any], config: Mapping[str, Any]) -> int:
    for place in (facts, config):
        for name in ("dtype", "torch_dtype"):
            if isinstance(place.get(name), str):
                found = _DTYPE_BYTES.get(place[name].removeprefix("torch."))
                if found is None:
                    raise ValueError(f"`{name}` is {place[name]!r}, of unknown size")
                return found
    raise ValueError("neither `dtype` nor `torch_dtype` is there")


def _whole(facts: Mapping[str, Any], *names: str) -> int:
    for name in names:
        found = _optional(facts, name)
        if found is not None:
            return found
    raise ValueError(f"`{names[0]}` is missing or no whole number above 0")


def _optional(facts: Mapping[str, Any], name: str) -> int | None:
    value = facts.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**40:
        return None
    return value
