"""Text to token numbers and back to character positions, from the vocabulary inside a GGUF file."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from tachograph_evaluators.small_model.gguf import GgufError, GgufFile

_MODEL: Final = "gpt2"  # byte-level byte pair encoding
_PRE: Final = "smollm"  # digits one by one, then GPT-2's split


class Tokens(NamedTuple):
    """Token numbers, and the character at which each begins."""

    ids: list[int]
    starts: list[int]


class Tokenizer:
    """SmolLM2's tokenizer. Control tokens are never made from text: content is hostile."""

    def __init__(self, file: GgufFile) -> None:
        from tokenizers import Tokenizer as Encoder
        from tokenizers import decoders, models, pre_tokenizers

        found = file.metadata.get("tokenizer.ggml.model"), file.metadata.get("tokenizer.ggml.pre")
        if found != (_MODEL, _PRE):
            raise GgufError(f"tokenizer {found} is not read; give a model of the SmolLM2 family")
        pieces: list[str] = file.metadata["tokenizer.ggml.tokens"]
        merges = [tuple(pair.split(" ")) for pair in file.metadata["tokenizer.ggml.merges"]]
        vocabulary = {piece: number for number, piece in enumerate(pieces)}
        self._encoder: Any = Encoder(models.BPE(vocabulary, merges))
        self._encoder.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
        )
        self._encoder.decoder = decoders.ByteLevel()
        self.start_id = int(file.metadata["tokenizer.ggml.bos_token_id"])

    def encode(self, texts: Sequence[str]) -> list[Tokens]:
        """Tokens of each text; a lone surrogate counts as a question mark."""
        # JSON escapes can bring lone surrogates, which the tokenizer refuses.
        readable = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        return [
            Tokens(found.ids, [start for start, _ in found.offsets])
            for found in self._encoder.encode_batch(readable, add_special_tokens=False)
        ]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token numbers."""
        return str(self._encoder.decode(list(ids), skip_special_tokens=False))
