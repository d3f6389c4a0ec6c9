"""How fast an engine computes prompts, told from when first outputs come."""

from collections.abc import Iterable

_KEPT = 0.95
"""What a prompt's weight is once the next one came."""


class PrefillPace:
    """Prompt tokens a second of the whole engine, whatever the queue before it.

    Between two first outputs the engine computed the prompt of the later one, or, where several come
    at once, of all of them: the tokens of many prompts over the sum of such times is the pace. The time
    from a request's own sending to its first output is not: it holds the queue (the busy period of a
    queue; Kleinrock 1975, Queueing Systems I, 5.9).

    Args:
        guess: tokens a second before anything was seen.
    """

    def __init__(self, guess: float) -> None:
        self._guess = guess
        self._tokens = 0.0
        self._seconds = 0.0
        self._last_first_ns = 0

    @property
    def tokens_per_s(self) -> float:
        """The pace; the guess until a prompt took any time."""
        if self._tokens <= 0 or self._seconds <= 0:
            return self._guess
        return self._tokens / self._seconds

    def first_output(self, at_ns: int, waiting_since_ns: Iterable[int]) -> int:
        """A first output came: the engine's time since the one before, nanoseconds.

        `waiting_since_ns`: when each request that waited was sent, this one too; not empty.
        """
        began_ns = max(self._last_first_ns, min(waiting_since_ns))
        self._last_first_ns = max(self._last_first_ns, at_ns)
        return max(0, at_ns - began_ns)

    def add(self, tokens: float, seconds: float) -> None:
        """A prompt, and the engine's time for it as `first_output` said."""
        self._tokens = self._tokens * _KEPT + tokens
        self._seconds = self._seconds * _KEPT + seconds
