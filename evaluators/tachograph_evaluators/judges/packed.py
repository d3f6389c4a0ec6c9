"""A BERT encoder on a CPU without padding: the tokens of many texts in one matrix.

Sentences are short and of all lengths; padding them to a batch's longest, and converting to
float32, is most of what the ordinary way costs. Here linear layers run over all tokens of a pass at
once, attention over texts of one length at a time, in bfloat16 where the CPU multiplies it (AMX or
AVX512-BF16), else in float32. Vectors equal the ordinary way's to a cosine of 0.999.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch.nn import functional

_TOKENS_PER_PASS: Final = 2048  # activations of a pass stay in the cache
_DEFAULT_TOKENS: Final = 512
_WEIGHTS: Final = "model.safetensors"
_PARTS: Final = frozenset({"Transformer", "Pooling", "Normalize"})


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
    """A mean-pooled BERT sentence encoder out of its folder; give it only what `fits` accepts.

    The files are read here: `transformers` and `sentence_transformers` would take 260 MB before the
    first weight is loaded. `table` holds the vectors of the word pieces.
    """

    def __init__(self, folder: Path, dtype: torch.dtype) -> None:
        from tokenizers import Tokenizer

        config = _json(folder / "config.json")
        self.width = int(config["hidden_size"])
        self._heads = int(config["num_attention_heads"])
        self._epsilon = float(config["layer_norm_eps"])
        self._dtype = dtype
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        most = min(int(config["max_position_embeddings"]), _max_tokens(folder))
        self._tokenizer.enable_truncation(most)
        with safe_open(folder / _WEIGHTS, framework="pt") as file:
            self._words: torch.Tensor = file.get_tensor("embeddings.word_embeddings.weight").clone()
            self._places = (
                file.get_tensor("embeddings.position_embeddings.weight")
                + file.get_tensor("embeddings.token_type_embeddings.weight")[0]
            )
            self._input_norm = _pair(file, ["embeddings.LayerNorm"], torch.float32)
            self._layers = [
                _layer(file, f"encoder.layer.{number}", dtype)
                for number in range(int(config["num_hidden_layers"]))
            ]

    @staticmethod
    def fits(folder: Path) -> bool:
        """Whether the folder holds a plain BERT whose token states are averaged, nothing else."""
        try:
            config, parts = _json(folder / "config.json"), _json(folder / "modules.json")
            pooling = _json(folder / "1_Pooling" / "config.json")
        except FileNotFoundError:
            return False
        modes = {
            name for name, is_on in pooling.items() if name.startswith("pooling_mode") and is_on
        }
        return (
            config["model_type"] == "bert"
            and config["hidden_act"] == "gelu"
            and config.get("position_embedding_type", "absolute") == "absolute"
            and modes == {"pooling_mode_mean_tokens"}
            and {part["type"].rpartition(".")[2] for part in parts} <= _PARTS
            and (folder / _WEIGHTS).is_file()
            and (folder / "tokenizer.json").is_file()
        )

    @property
    def table(self) -> NDArray[np.float32]:
        """The vector of each word piece, [vocabulary, width]."""
        table: NDArray[np.float32] = self._words.numpy()
        return table

    def pieces(self, words: Sequence[str]) -> list[list[int]]:
        """Numbers of the pieces of single words."""
        found = self._tokenizer.encode_batch(list(words), add_special_tokens=False)
        return [one.ids for one in found]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, one a text, in order."""
        ids: list[list[int]] = [one.ids for one in self._tokenizer.encode_batch(list(texts))]
        vectors = np.empty((len(ids), self.width), np.float32)
        with torch.inference_mode():
            for chosen in _passes(ids):
                vectors[chosen] = self._forward([ids[index] for index in chosen]).numpy()
        return vectors

    def _forward(self, ids: Sequence[Sequence[int]]) -> torch.Tensor:
        lengths = [len(one) for one in ids]
        tokens = torch.tensor([token for one in ids for token in one])
        positions = torch.cat([torch.arange(length) for length in lengths])
        x = self._norm(self._words[tokens] + self._places[positions], self._input_norm)
        x = x.to(self._dtype)
        alike = [(length, len(list(same))) for length, same in groupby(lengths)]
        for layer in self._layers:
            attended = functional.linear(self._attend(x, layer, alike), *layer.attended)
            x = self._norm(x + attended, layer.attended_norm)
            wide = functional.gelu(functional.linear(x, *layer.wide))
            x = self._norm(x + functional.linear(wide, *layer.narrow), layer.norm)
        owner = torch.repeat_interleave(torch.arange(len(ids)), torch.tensor(lengths))
        sums = torch.zeros(len(ids), self.width).index_add_(0, owner, x.float())
        return functional.normalize(sums, dim=1)

    def _attend(
        self, x: torch.Tensor, layer: _Layer, alike: Sequence[tuple[int, int]]
    ) -> torch.Tensor:
        qkv = functional.linear(x, *layer.qkv)
        found = torch.empty_like(x)
        start = 0
        for length, count in alike:
            rows = slice(start, start + length * count)
            shape = (count, length, 3, self._heads, self.width // self._heads)
            query, key, value = qkv[rows].view(shape).permute(2, 0, 3, 1, 4)
            heads = functional.scaled_dot_product_attention(query, key, value)
            found[rows] = heads.transpose(1, 2).reshape(-1, self.width)
            start = rows.stop
        return found

    def _norm(self, x: torch.Tensor, parameters: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return functional.layer_norm(x, (self.width,), *parameters, eps=self._epsilon)


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _max_tokens(folder: Path) -> int:
    path = folder / "sentence_bert_config.json"
    return int(_json(path)["max_seq_length"]) if path.is_file() else _DEFAULT_TOKENS


def _pair(file: Any, names: Sequence[str], dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights and biases of some modules in one."""
    weight = torch.cat([file.get_tensor(f"{name}.weight") for name in names]).to(dtype)
    return weight, torch.cat([file.get_tensor(f"{name}.bias") for name in names]).to(dtype)


def _layer(file: Any, name: str, dtype: torch.dtype) -> _Layer:
    def pair(*modules: str) -> tuple[torch.Tensor, torch.Tensor]:
        return _pair(file, [f"{name}.{module}" for module in modules], dtype)

    return _Layer(
        qkv=pair("attention.self.query", "attention.self.key", "attention.self.value"),
        attended=pair("attention.output.dense"),
        attended_norm=pair("attention.output.LayerNorm"),
        wide=pair("intermediate.dense"),
        narrow=pair("output.dense"),
        norm=pair("output.LayerNorm"),
    )


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
