"""A BERT encoder on a CPU without padding: the tokens of many texts in one matrix.

Sentences are short and of all lengths; padding them to a batch's longest, and converting to
float32, is most of what the ordinary way costs. Here linear layers run over all tokens of a pass at
once, attention over texts of one length at a time, in bfloat16 where the CPU multiplies it (AMX or
AVX512-BF16), else in float32. Vectors equal the ordinary way's to a cosine of 0.999.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

_TOKENS_PER_PASS: Final = 2048  # activations of a pass stay in the cache


def fast_dtype() -> torch.dtype:
    """bfloat16 where the CPU has instructions for it."""
    capabilities = torch.cpu.get_capabilities()
    fast = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
    return torch.bfloat16 if fast else torch.float32


@dataclass(frozen=True, slots=True)
class _Layer:
    qkv: tuple[torch.Tensor, torch.Tensor]
    attended: tuple[torch.Tensor, torch.Tensor]
    attended_norm: tuple[torch.Tensor, torch.Tensor]
    wide: tuple[torch.Tensor, torch.Tensor]
    narrow: tuple[torch.Tensor, torch.Tensor]
    norm: tuple[torch.Tensor, torch.Tensor]


class PackedBert:
    """The forward pass of a mean-pooled BERT sentence encoder; give it only what `fits` accepts."""

    def __init__(self, model: Any, dtype: torch.dtype) -> None:
        bert = model[0].auto_model
        self._tokenizer: Any = model.tokenizer
        self._max_tokens = int(model.max_seq_length)
        self._embeddings: Any = bert.embeddings
        self._heads = int(bert.config.num_attention_heads)
        self._width = int(bert.config.hidden_size)
        self._epsilon = float(bert.config.layer_norm_eps)
        self._dtype = dtype
        self._layers = [self._layer(layer) for layer in bert.encoder.layer]

    @staticmethod
    def fits(model: Any) -> bool:
        """Whether a SentenceTransformer is a plain BERT, mean pooled, on a CPU."""
        config = getattr(model[0], "auto_model", model[0]).config
        pooling = [part for part in model if type(part).__name__ == "Pooling"]
        return (
            model.device.type == "cpu"
            and config.model_type == "bert"
            and config.hidden_act == "gelu"
            and len(pooling) == 1
            and pooling[0].get_config_dict().get("pooling_mode") in ("mean", ("mean",), ["mean"])
        )

    def _layer(self, layer: Any) -> _Layer:
        attention = layer.attention

        def pair(*modules: Any) -> tuple[torch.Tensor, torch.Tensor]:
            weight = torch.cat([module.weight for module in modules]).detach().to(self._dtype)
            return weight, torch.cat([module.bias for module in modules]).detach().to(self._dtype)

        heads = attention.self
        return _Layer(
            qkv=pair(heads.query, heads.key, heads.value),
            attended=pair(attention.output.dense),
            attended_norm=pair(attention.output.LayerNorm),
            wide=pair(layer.intermediate.dense),
            narrow=pair(layer.output.dense),
            norm=pair(layer.output.LayerNorm),
        )

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, one a text, in order."""
        if not texts:
            return np.zeros((0, self._width), np.float32)
        tokens = self._tokenizer(list(texts), truncation=True, max_length=self._max_tokens)
        ids: list[list[int]] = tokens["input_ids"]
        vectors = np.empty((len(ids), self._width), np.float32)
        with torch.inference_mode():
            for chosen in _passes(ids):
                vectors[chosen] = self._forward([ids[index] for index in chosen]).numpy()
        return vectors

    def _forward(self, ids: Sequence[Sequence[int]]) -> torch.Tensor:
        lengths = [len(one) for one in ids]
        tokens = torch.tensor([token for one in ids for token in one])
        positions = torch.cat([torch.arange(length) for length in lengths])
        table = self._embeddings
        x = table.LayerNorm(
            table.word_embeddings(tokens)
            + table.position_embeddings(positions)
            + table.token_type_embeddings.weight[0]
        ).to(self._dtype)
        alike = [(length, len(list(same))) for length, same in groupby(lengths)]
        for layer in self._layers:
            attended = functional.linear(self._attend(x, layer, alike), *layer.attended)
            x = self._norm(x + attended, layer.attended_norm)
            wide = functional.gelu(functional.linear(x, *layer.wide))
            x = self._norm(x + functional.linear(wide, *layer.narrow), layer.norm)
        owner = torch.repeat_interleave(torch.arange(len(ids)), torch.tensor(lengths))
        sums = torch.zeros(len(ids), self._width).index_add_(0, owner, x.float())
        return functional.normalize(sums, dim=1)

    def _attend(
        self, x: torch.Tensor, layer: _Layer, alike: Sequence[tuple[int, int]]
    ) -> torch.Tensor:
        qkv = functional.linear(x, *layer.qkv)
        found = torch.empty_like(x)
        start = 0
        for length, count in alike:
            rows = slice(start, start + length * count)
            shape = (count, length, 3, self._heads, self._width // self._heads)
            query, key, value = qkv[rows].view(shape).permute(2, 0, 3, 1, 4)
            heads = functional.scaled_dot_product_attention(query, key, value)
            found[rows] = heads.transpose(1, 2).reshape(-1, self._width)
            start = rows.stop
        return found

    def _norm(self, x: torch.Tensor, parameters: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return functional.layer_norm(x, (self._width,), *parameters, eps=self._epsilon)


def _passes(ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Indices by length, in passes of a bounded number of tokens."""
    chosen: list[int] = []
    held = 0
    for index in sorted(range(len(ids)), key=lambda at: len(ids[at])):
        if chosen and held + len(ids[index]) > _TOKENS_PER_PASS:
            yield chosen
            chosen, held = [], 0
        chosen.append(index)
        held += len(ids[index])
    if chosen:
        yield chosen
