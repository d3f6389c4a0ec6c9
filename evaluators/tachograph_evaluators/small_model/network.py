"""The Llama network in plain torch: hidden states of prefixes with branches, in one pass.

Own code rather than `transformers`, because many claims share one context here: a sequence is a
prefix followed by branches, each of which sees the prefix and itself but no other branch (a tree
attention mask, as in SpecInfer, arXiv 2305.09781). The context is computed once and no key-value
cache is copied. Layers: RMSNorm, rotary positions, grouped-query attention, SwiGLU (arXiv
2302.13971). Adapters are low-rank updates (LoRA, arXiv 2106.09685) of the first layers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch.nn import functional

from tachograph_evaluators.small_model.gguf import Floats, GgufFile

SITES: Final = ("qkv", "out", "gate_up", "down")
"""Linear maps of a layer, those with the same input fused: queries, keys and values; gate and up."""

_QUERIES: Final = 208  # at a time: smaller parts cost more in calls than they save

PADDING_BRANCH: Final = -1
PREFIX_BRANCH: Final = 0

Tensor = Any  # torch is not analysed by the type checker


@dataclass(frozen=True, slots=True)
class Update:
    """A low-rank update of one linear map: y += up (down x)."""

    down: Tensor  # [rank, inputs]
    up: Tensor  # [outputs, rank], already scaled


LayerUpdates = Mapping[str, Update]


@dataclass(frozen=True, slots=True)
class _Layer:
    attention_norm: Tensor
    feed_forward_norm: Tensor
    maps: Mapping[str, Tensor]


class Network:
    """Weights of one model on one device. `hidden` is a pure function of its arguments."""

    def __init__(self, file: GgufFile, device: str, dtype: Any) -> None:
        facts = file.metadata
        self.device, self.dtype = device, dtype
        self.width = int(facts["llama.embedding_length"])
        self.heads = int(facts["llama.attention.head_count"])
        self.key_heads = int(facts["llama.attention.head_count_kv"])
        self.head_width = self.width // self.heads
        self.context_length = int(facts["llama.context_length"])
        self._epsilon = float(facts["llama.attention.layer_norm_rms_epsilon"])
        self._base = float(facts.get("llama.rope.freq_base", 10_000.0))
        self.embedding = self._load(file.tensor("token_embd.weight"))
        self.final_norm = self._load(file.tensor("output_norm.weight"))
        self._output = (
            self._load(file.tensor("output.weight")) if "output.weight" in file else self.embedding
        )
        self.layers = [self._layer(file, i) for i in range(int(facts["llama.block_count"]))]

    def _load(self, values: Floats) -> Tensor:
        return torch.from_numpy(np.array(values)).to(self.device, self.dtype)

    def _layer(self, file: GgufFile, number: int) -> _Layer:
        def get(name: str) -> Floats:
            return file.tensor(f"blk.{number}.{name}.weight")

        queries = _halves(get("attn_q"), self.heads)
        keys = _halves(get("attn_k"), self.key_heads)
        maps = {
            "qkv": np.concatenate([queries, keys, get("attn_v")]),
            "out": get("attn_output"),
            "gate_up": np.concatenate([get("ffn_gate"), get("ffn_up")]),
            "down": get("ffn_down"),
        }
        return _Layer(
            self._load(get("attn_norm")),
            self._load(get("ffn_norm")),
            {site: self._load(values) for site, values in maps.items()},
        )

    def sizes(self, site: str) -> tuple[int, int]:
        """Outputs and inputs of a linear map."""
        outputs, inputs = self.layers[0].maps[site].shape
        return int(outputs), int(inputs)

    def hidden(
        self,
        ids: Tensor,
        positions: Tensor,
        branches: Tensor,
        updates: Sequence[LayerUpdates] = (),
        depth: int | None = None,
    ) -> Tensor:
        """Normalised states after `depth` layers (all of them by default), [rows, length, width].

        `ids`, `positions` and `branches` are [rows, length] integers; branch 0 is the prefix, -1
        padding.
        """
        mask = self._mask(branches)
        turn = self._rotation(positions)
        state = functional.embedding(ids, self.embedding)
        for number, layer in enumerate(self.layers[:depth]):
            changes = updates[number] if number < len(updates) else {}
            normal = self._normal(state, layer.attention_norm)
            state = state + self._attention(layer, changes, normal, mask, turn)
            normal = self._normal(state, layer.feed_forward_norm)
            gate, up = _map(layer, changes, "gate_up", normal).chunk(2, dim=-1)
            state = state + _map(layer, changes, "down", functional.silu(gate) * up)
        return self._normal(state, self.final_norm)

    def logits(self, states: Tensor) -> Tensor:
        """Scores of every token of the vocabulary after each state."""
        return functional.linear(states, self._output)

    def _attention(
        self, layer: _Layer, changes: LayerUpdates, normal: Tensor, mask: Tensor, turn: Any
    ) -> Tensor:
        rows, length, _ = normal.shape
        heads = self.heads + 2 * self.key_heads
        fused = _map(layer, changes, "qkv", normal).view(rows, length, heads, self.head_width)
        turned = _rotate(fused[:, :, : self.heads + self.key_heads], turn)
        queries, keys = turned.split([self.heads, self.key_heads], dim=2)
        values = fused[:, :, self.heads + self.key_heads :]
        attend = _attend_by_parts if self.device == "cpu" else _attend
        mixed = attend(queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2), mask)
        joined = mixed.transpose(1, 2).reshape(rows, length, self.width)
        return _map(layer, changes, "out", joined)

    def _normal(self, state: Tensor, weight: Tensor) -> Tensor:
        return functional.rms_norm(state, (self.width,), weight, self._epsilon)

    def _mask(self, branches: Tensor) -> Tensor:
        seen, own = branches[:, None, :], branches[:, :, None]
        length = branches.shape[1]
        order = torch.ones(length, length, dtype=torch.bool, device=branches.device).tril()
        allowed = order & ((seen == PREFIX_BRANCH) | (seen == own))
        mask = torch.zeros(allowed.shape, dtype=self.dtype, device=branches.device)
        return mask.masked_fill_(~allowed, float("-inf"))[:, None]

    def _rotation(self, positions: Tensor) -> Any:
        steps = torch.arange(0, self.head_width, 2, device=self.device, dtype=torch.float32)
        angles = positions[..., None].float() * self._base ** (-steps / self.head_width)
        angles = torch.cat([angles, angles], dim=-1)[:, :, None]
        sine = angles.sin()
        sine[..., : self.head_width // 2] *= -1
        return angles.cos().to(self.dtype), sine.to(self.dtype)


def _map(layer: _Layer, changes: LayerUpdates, site: str, inputs: Tensor) -> Tensor:
    outputs = functional.linear(inputs, layer.maps[site])
    update = changes.get(site)
    if update is None:
        return outputs
    return outputs + functional.linear(functional.linear(inputs, update.down), update.up)


def _rotate(states: Tensor, turn: Any) -> Tensor:
    cosine, sine = turn  # the sine of the first half is negative: (a, b) becomes (-b, a)
    return torch.addcmul(states * cosine, states.roll(states.shape[-1] // 2, dims=-1), sine)


def _attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    group = queries.shape[1] // keys.shape[1]
    return functional.scaled_dot_product_attention(
        queries,
        keys.repeat_interleave(group, dim=1),
        values.repeat_interleave(group, dim=1),
        attn_mask=mask,
    )


def _attend_by_parts(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    """The same for some queries at a time: nothing behind them is seen, so it is not computed."""
    parts = []
    for start in range(0, queries.shape[2], _QUERIES):
        stop = min(start + _QUERIES, queries.shape[2])
        parts.append(
            functional.scaled_dot_product_attention(
                queries[:, :, start:stop],
                keys[:, :, :stop],
                values[:, :, :stop],
                attn_mask=mask[:, :, start:stop, :stop],
                enable_gqa=True,
            )
        )
    return torch.cat(parts, dim=2)


def _halves(weight: Floats, heads: int) -> Floats:
    """llama.cpp stores rotary pairs side by side; here the two halves of a head turn together."""
    rows, inputs = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, inputs)
    return pairs.swapaxes(1, 2).reshape(rows, inputs)
