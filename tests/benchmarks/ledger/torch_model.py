"""A decoder-only transformer with random weights and a cache of slots: real work, no meaning.

The shape is Llama's: RMS norm, rotary positions, grouped-query attention, SwiGLU (Touvron et al. 2023).
Energy depends on shapes and traffic, hardly on what the weights say.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a model; the defaults are Llama 3 8B's."""

    layers: int = 32
    width: int = 4_096
    heads: int = 32
    kv_heads: int = 8
    hidden: int = 14_336
    vocabulary: int = 32_000

    @property
    def head(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads


class SlotModel:
    """Computes prompts one by one and one token for the first `n` slots at once.

    Slots in use are always the first: `move` fills the hole that a finished one leaves.
    """

    def __init__(
        self, shape: Shape, slots: int, context: int, device: str, dtype: torch.dtype, seed: int = 0
    ) -> None:
        self.shape, self.context, self.device = shape, context, device
        draw = torch.Generator(device).manual_seed(seed)

        def matrix(rows: int, columns: int) -> Tensor:
            weights = torch.empty(rows, columns, device=device, dtype=dtype)
            return weights.normal_(0.0, columns**-0.5, generator=draw)

        kv_width = shape.kv_heads * shape.head
        self.embedding = matrix(shape.vocabulary, shape.width)
        self.qkv = [matrix(shape.width + 2 * kv_width, shape.width) for _ in range(shape.layers)]
        self.out = [matrix(shape.width, shape.width) for _ in range(shape.layers)]
        self.gate_up = [matrix(2 * shape.hidden, shape.width) for _ in range(shape.layers)]
        self.down = [matrix(shape.width, shape.hidden) for _ in range(shape.layers)]
        cache = (shape.layers, slots, shape.kv_heads, context, shape.head)
        self.keys = torch.zeros(cache, device=device, dtype=dtype)
        self.values = torch.zeros(cache, device=device, dtype=dtype)
        steps = torch.arange(0, shape.head, 2, device=device).float() / shape.head
        angles = torch.outer(torch.arange(context, device=device).float(), 10_000.0**-steps)
        self.cos, self.sin = angles.cos().to(dtype), angles.sin().to(dtype)
        self._attend = _attend_masked
        if device != "cpu":
            from tests.benchmarks.ledger.torch_attention import attend  # needs triton, a GPU's

            self._attend = attend

    def prefill(self, slot: int, tokens: Tensor) -> Tensor:
        """Compute a prompt into a slot; its next token (shape [1])."""
        length = tokens.shape[0]
        x = self.embedding[tokens]
        cos, sin = self.cos[:length, None], self.sin[:length, None]
        for layer in range(self.shape.layers):
            q, k, v = self._projected(layer, x)
            q, k = _rotated(q, cos, sin), _rotated(k, cos, sin)
            self.keys[layer, slot, :, :length] = k.transpose(0, 1)
            self.values[layer, slot, :, :length] = v.transpose(0, 1)
            mixed = functional.scaled_dot_product_attention(
                q.transpose(0, 1)[None],
                k.transpose(0, 1)[None],
                v.transpose(0, 1)[None],
                is_causal=True,
                enable_gqa=True,
            )
            x = self._rest(layer, x, mixed[0].transpose(0, 1).reshape(length, -1))
        return self._next(x[-1:])

    def decode(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """One token for each of the first slots, given each one's last token and its position."""
        count = tokens.shape[0]
        rows = torch.arange(count, device=self.device)
        x = self.embedding[tokens]
        cos, sin = self.cos[positions][:, None], self.sin[positions][:, None]
        for layer in range(self.shape.layers):
            q, k, v = self._projected(layer, x)
            q, k = _rotated(q, cos, sin), _rotated(k, cos, sin)
            self.keys[layer, rows, :, positions] = k
            self.values[layer, rows, :, positions] = v
            mixed = self._attend(q, self.keys[layer], self.values[layer], positions)
            x = self._rest(layer, x, mixed.reshape(count, -1))
        return self._next(x)

    def move(self, source: int, target: int, length: int) -> None:
        """Put the first `length` tokens of a slot's cache into another."""
        self.keys[:, target, :, :length] = self.keys[:, source, :, :length]
        self.values[:, target, :, :length] = self.values[:, source, :, :length]

    def _projected(self, layer: int, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        shape = self.shape
        kv_width = shape.kv_heads * shape.head
        both = functional.linear(_normed(x), self.qkv[layer])
        q, k, v = both.split((shape.width, kv_width, kv_width), dim=-1)
        return (
            q.reshape(-1, shape.heads, shape.head),
            k.reshape(-1, shape.kv_heads, shape.head),
            v.reshape(-1, shape.kv_heads, shape.head),
        )

    def _rest(self, layer: int, x: Tensor, mixed: Tensor) -> Tensor:
        x = x + functional.linear(mixed, self.out[layer])
        gate, up = functional.linear(_normed(x), self.gate_up[layer]).chunk(2, dim=-1)
        return x + functional.linear(functional.silu(gate) * up, self.down[layer])

    def _next(self, x: Tensor) -> Tensor:
        return functional.linear(_normed(x), self.embedding).argmax(dim=-1)


def _attend_masked(q: Tensor, keys: Tensor, values: Tensor, positions: Tensor) -> Tensor:
    """What `torch_attention.attend` computes, on any device."""
    count, longest = len(q), int(positions.max()) + 1
    mask = torch.arange(longest, device=q.device)[None] <= positions[:, None]
    mixed = functional.scaled_dot_product_attention(
        q[:, :, None],
        keys[:count, :, :longest],
        values[:count, :, :longest],
        attn_mask=mask[:, None, None],
        enable_gqa=True,
    )
    return mixed[:, :, 0]


def _normed(x: Tensor) -> Tensor:
    return functional.rms_norm(x, (x.shape[-1],))


def _rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)
