"""The evaluator protocol: what a plugin receives, what it gives back.

A plugin is any callable without arguments, registered under entry point group
`tachograph.evaluators`, that returns an object with the attributes of `Evaluator`
(plain class attributes do). One that also has `texts` (see `Embeds`) shares the encoder's pass over
a batch with the others, one that has `most_samples` (see `Compares`) gets other answers to the same
prompt. The first score of an evaluator, or the one of its own name, is what it
says in one figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, Protocol, runtime_checkable

PASS: Final = "pass"
FAIL: Final = "fail"
NOT_APPLICABLE: Final = "not_applicable"
ERROR: Final = "error"

Text = Literal["response", "prompt", "context"]
"""Which text of an answer offsets count in."""

MAX_EXPLANATION_CHARS: Final = 1000
MAX_OFFSETS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer to judge: plain texts, already taken out of their messages.

    `prompt` is the last thing the user said, `conversation` everything that was sent, `context`
    what the answer may rely on; None is unavailable. `samples` are other answers to the same prompt.
    """

    project: str
    trace_id: str
    span_id: str
    span_time: int  # start_time, ns since the epoch
    response: str | None
    prompt: str | None = None
    conversation: str | None = None
    context: str | None = None
    finish_reasons: Sequence[str] = ()  # why the engine ended it: stop, length, ...; () unstated
    perplexity: float | None = None  # of the response under the engine's own log-probabilities
    model: str | None = None
    tenant: str | None = None
    variant: str | None = None
    samples: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One judgement. `value` is in [0, 1] with 1 good, or None with a label that says why.

    `offsets` are (start, stop, label) in characters of the answer's `text`; `duration_ns` is the
    judging's share of wall time where the evaluator knows it (else its caller measures); `cost` is
    money in the settings' currency when judging was paid for.
    """

    name: str
    value: float | None
    label: str
    explanation: str | None = None
    offsets: Sequence[tuple[int, int, str]] = ()
    cost: Decimal | None = None
    error_type: str | None = field(default=None)
    text: Text = "response"
    duration_ns: int | None = None

    def __post_init__(self) -> None:
        if self.value is not None and not 0.0 <= self.value <= 1.0:
            raise ValueError(
                f"score {self.name!r} is {self.value!r}; give a value in [0, 1] or None"
            )


@runtime_checkable
class Evaluator(Protocol):
    """A judge. Raise for what went wrong: the caller records it and goes on with the others."""

    @property
    def name(self) -> str:
        """Registered name, part of the score's identity."""

    @property
    def version(self) -> str:
        """Changes when the same answer could get another score; old scores stay beside new."""

    @property
    def scores(self) -> tuple[str, ...]:
        """The names of the scores that each answer gets."""

    @property
    def needs(self) -> frozenset[str]:
        """Of "prompt", "context", "response": an answer that lacks one is `not_applicable`, and
        the evaluator does not see it."""

    @property
    def batch_size(self) -> int:
        """Answers it likes to get at once."""

    def warm_up(self) -> None:
        """Load what the first batch would wait for."""

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """Judge each answer: one list an answer, in order, one score for each of `scores`."""


@runtime_checkable
class Embeds(Protocol):
    """An evaluator that tells what it will embed: the caller embeds a whole batch at once."""

    def texts(self, batch: Sequence[Answer]) -> Sequence[str]:
        """Every text that `evaluate` will ask the encoder for."""


@runtime_checkable
class Compares(Protocol):
    """An evaluator that holds an answer without context against others to the same prompt."""

    @property
    def most_samples(self) -> int:
        """How many it reads; workers look so many up in the store, into `Answer.samples`."""


class NotConfigured(Exception):
    """An evaluator's factory raises it when a setting that it cannot do without is unset."""


def headline(evaluator: Evaluator, scores: Sequence[Score]) -> Score:
    """What an evaluator says in one figure: the score of its own name, else its first."""
    return next((score for score in scores if score.name == evaluator.name), scores[0])


def not_applicable(name: str, reason: str) -> Score:
    """A recorded abstention, so that the answer is not planned for ever."""
    return Score(name=name, value=None, label=NOT_APPLICABLE, explanation=reason)


def verdict(value: float, threshold: float) -> str:
    """`pass` at or above the threshold."""
    return PASS if value >= threshold else FAIL
