"""A sentence encoder by sentence-transformers: models by name, and every model on a GPU."""

import os
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_BATCH: Final = 256


class HubModel:
    """One model on its device; `table` holds the vectors of the word pieces."""

    def __init__(self, name_or_path: str, device: str, *, is_local: bool) -> None:
        if is_local:
            os.environ.setdefault("HF_HUB_OFFLINE", "1")
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        self.model: Any = SentenceTransformer(
            name_or_path,
            device=device,
            local_files_only=is_local,
            model_kwargs={"dtype": torch.float16 if device == "cuda" else torch.float32},
        )
        weight = self.model[0].auto_model.get_input_embeddings().weight.detach()
        self.table: NDArray[np.float32] = weight.float().cpu().numpy()

    @property
    def width(self) -> int:
        """Numbers of one vector of `table`."""
        return int(self.table.shape[1])

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, one a text, in order."""
        vectors: NDArray[np.float32] = self.model.encode(
            list(texts),
            batch_size=_BATCH,
            normalize_embeddings=True,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return vectors

    def pieces(self, words: Sequence[str]) -> list[list[int]]:
        """Numbers of the pieces of single words."""
        ids: list[list[int]] = self.model.tokenizer(list(words), add_special_tokens=False)[
            "input_ids"
        ]
        return ids
