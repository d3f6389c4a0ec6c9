"""When `transformers` made its tokens, and how probable they were."""

import time
from types import TracebackType
from typing import Any

from tachograph._internal.errors import contained


class Decoding:
    """A stopping criterion that never stops, called after each step of decoding.

    It is called for every strategy (greedy, sampling, beams, assisted) and every size of batch,
    which a streamer is not. The first call marks the end of the prefill. A token is read from the
    device before the time is, so that it is the time at which the token was there.

    For the perplexity it also looks at the model's own logits, before any temperature or
    penalty, through a hook that lives as long as the `with` block.
    """

    def __init__(
        self, model: Any, *, end_tokens: frozenset[int], measures_perplexity: bool
    ) -> None:
        self._model = model
        self._end_tokens = end_tokens
        self._measures_perplexity = measures_perplexity
        self._hook: Any = None
        self._logits: Any = None
        self._ended: set[int] = set()
        self._sums: dict[int, tuple[float, int]] = {}
        self._started_at = time.perf_counter()
        self._first_at: float | None = None
        self._last_at: float | None = None

    def __enter__(self) -> None:
        if self._measures_perplexity:
            with contained("looking at a model's logits"):
                self._hook = self._model.register_forward_hook(self._keep_logits)
        self._started_at = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._hook is not None:
            self._hook.remove()
        self._logits = None

    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        with contained("noting a token"):
            newest = input_ids[:, -1].tolist()
            self._last_at = time.perf_counter()
            if self._first_at is None:
                self._first_at = self._last_at
            if self._logits is not None:
                self._weigh(newest)
        return input_ids[:, -1] != input_ids[:, -1]  # False for every row, on the same device

    def times(self) -> tuple[float | None, float | None]:
        """Seconds of prefill and decode."""
        if self._first_at is None or self._last_at is None:
            return None, None
        return self._first_at - self._started_at, self._last_at - self._first_at

    def log_probability(self, first_row: int, end_row: int) -> tuple[float | None, int]:
        """Sum of the natural log-probabilities of the tokens of some rows, and their number."""
        found = [self._sums[row] for row in range(first_row, end_row) if row in self._sums]
        if not found:
            return None, 0
        return sum(total for total, _ in found), sum(count for _, count in found)

    def _keep_logits(self, module: Any, arguments: Any, output: Any) -> None:
        with contained("looking at a model's logits"):
            logits = getattr(output, "logits", None)
            # A copy of the last position: a view would keep those of a whole prompt alive.
            self._logits = None if logits is None else logits[:, -1, :].detach().float().clone()

    def _weigh(self, newest: list[int]) -> None:
        if len(newest) != len(self._logits):
            return
        rows = self._logits.log_softmax(dim=-1)
        for row, token in enumerate(newest):
            if row in self._ended:
                continue
            total, count = self._sums.get(row, (0.0, 0))
            self._sums[row] = (total + float(rows[row, token]), count + 1)
            if token in self._end_tokens:
                self._ended.add(row)
