"""What one request had the engine do, and when: read from its stream, piece by piece."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final

from tachograph_sidecar.ledger.prefill import PrefillPace

NS: Final = 1_000_000_000
BIN_NS: Final = NS
"""Energy is split bin by bin. Work is placed by events that come milliseconds late, and a sensor of power
lags as much: with bins of 100 ms two like requests of one batch differed by 5 % on an H100, with a second
by 0.3 % (docs/gpu-ledger.md)."""


SHARED: Final = 2.0
"""Prompts may be computed side by side: each is taken to have had half of the engine."""


@dataclass(frozen=True, slots=True)
class EnergyShare:
    """What one request used of the GPUs. None is unknown, never nothing.

    Attributes:
        gpu_s: GPU-seconds: its part of the busy time, times the devices.
        energy_j: joules, its part of the idle power included.
        energy_error_j: one standard error, or the doubt of a rule that was not calibrated.
        method: the name of the rule.
    """

    gpu_s: float | None
    energy_j: float | None
    energy_error_j: float | None
    method: str


class Average:
    """An exponentially weighted mean of what was seen; a guess before that."""

    def __init__(self, guess: float, weight: float = 0.1) -> None:
        self.value = guess
        self._weight = weight
        self._is_guess = True

    def add(self, value: float) -> None:
        """One more observation."""
        if self._is_guess:
            self.value, self._is_guess = value, False
        else:
            self.value += self._weight * (value - self.value)


@dataclass(slots=True)
class Norms:
    """What requests of this engine are like, learned from those that are over."""

    tokens_per_byte: Average = field(default_factory=lambda: Average(0.25))
    tokens_per_event: Average = field(default_factory=lambda: Average(1.0))
    prefill: PrefillPace = field(default_factory=lambda: PrefillPace(5_000.0))
    decode_tokens_per_s: Average = field(default_factory=lambda: Average(30.0))


@dataclass(slots=True)
class RequestWork:
    """One request between reaching the engine and having its share.

    Until it is over its tokens are estimates (bytes and events times what others had); once a bin
    is settled, what it counted there stays, so that no joule is given twice.
    """

    key: Hashable
    sent_ns: int
    prompt_tokens: float
    first_ns: int | None = None
    end_ns: int | None = None
    output_tokens: float | None = None
    events: dict[int, int] = field(default_factory=dict)  # bin -> events that carried output
    event_count: int = 0
    prefill_ns: int | None = None  # engine time that its prompt took; None before its first output
    prefilled: float = 0.0  # tokens in settled bins
    decoded: float = 0.0
    energy_j: float = 0.0
    equal_j: float = 0.0  # what the rule by time alone would have given
    gpu_s: float = 0.0
    has_gap: bool = False
    on_share: Callable[[EnergyShare], None] | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether nothing of its answer came yet."""
        return self.first_ns is None and self.end_ns is None

    def overlap_ns(self, start_ns: int, stop_ns: int) -> int:
        """How long it was in flight in [start, stop)."""
        end_ns = stop_ns if self.end_ns is None else self.end_ns
        return max(0, min(stop_ns, end_ns) - max(start_ns, self.sent_ns))

    def prefill_in(self, start_ns: int, stop_ns: int, norms: Norms) -> float | None:
        """Prompt tokens computed in a bin, by the first output; None while it has not come."""
        known_end_ns = self.first_ns if self.first_ns is not None else self.end_ns
        if known_end_ns is None:
            return None
        left = max(0.0, self.prompt_tokens - self.prefilled)
        # The prompt is computed right before the first event; what lies further back was a queue.
        window_ns = int(SHARED * left / norms.prefill.tokens_per_s * NS)
        begin_ns = max(self.sent_ns, start_ns, known_end_ns - window_ns)
        length_ns = known_end_ns - begin_ns
        if known_end_ns <= start_ns or length_ns <= 0:
            return left
        return left * max(0, min(stop_ns, known_end_ns) - begin_ns) / length_ns

    def take_decode(self, start_ns: int, stop_ns: int, norms: Norms) -> float:
        """Output tokens made in a bin, which is settled by that."""
        if self.event_count:
            tokens = self._of_events(start_ns // BIN_NS, norms)
        elif self.end_ns is not None and self.output_tokens is not None:
            tokens = self._spread(start_ns, stop_ns, norms)
        elif self.end_ns is None and self.prefilled >= self.prompt_tokens:
            overlap_s = self.overlap_ns(start_ns, stop_ns) / NS
            tokens = norms.decode_tokens_per_s.value * overlap_s
        else:
            tokens = 0.0
        self.decoded += tokens
        return tokens

    def _of_events(self, number: int, norms: Norms) -> float:
        count = self.events.pop(number, 0)
        left = sum(self.events.values()) + count
        if self.output_tokens is not None and left:
            return max(0.0, self.output_tokens - self.decoded) * count / left
        return count * norms.tokens_per_event.value

    def _spread(self, start_ns: int, stop_ns: int, norms: Norms) -> float:
        """An answer in one piece: evenly over the time that its prompt left."""
        end_ns, left = self.end_ns or 0, max(0.0, (self.output_tokens or 0.0) - self.decoded)
        prefill_ns = int(self.prompt_tokens / norms.prefill.tokens_per_s * NS)
        begin_ns = max(start_ns, min(self.sent_ns + prefill_ns, end_ns))
        if end_ns <= begin_ns:
            return left
        return left * max(0, min(stop_ns, end_ns) - begin_ns) / (end_ns - begin_ns)
