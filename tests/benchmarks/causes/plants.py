"""Experiments that plant one cause each, on llama.cpp's server behind a sidecar.

Each returns the request that suffered and, by the client's own clock, for how long.
"""

import random
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.benchmarks.causes.client import CHAT, Asking, Heard, ask, ask_and_sleep
from tests.benchmarks.causes.stack import LlamaServer

MESSAGES: Final = "/v1/messages"
LONG_WORDS: Final = 850
"""A prompt that fits into one slot's context of 1,024 tokens."""


_WORDS: Final = [
    "time",
    "year",
    "people",
    "way",
    "day",
    "man",
    "thing",
    "woman",
    "life",
    "child",
    "world",
    "school",
    "state",
    "family",
    "student",
    "group",
    "country",
    "problem",
    "hand",
    "part",
    "place",
    "case",
    "week",
    "company",
    "system",
    "program",
    "question",
    "work",
]
"""About a token each."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Where experiments run: an engine, and the sidecar in front of it."""

    engine: LlamaServer
    url: str
    slots: int

    def occupy(self, tokens: int, count: int) -> list[Asking]:
        """Requests under way, each with its first token."""
        asked = [Asking(self.url, body(tokens)) for _ in range(count)]
        return [one.begun() for one in asked]


@dataclass(frozen=True, slots=True)
class Suffered:
    """A request, and the seconds that what was planted took from it."""

    heard: Heard
    seconds: float


Plant = Callable[[Bench], Suffered]


def body(tokens: int, words: int = 12, *, stream: bool = True) -> Mapping[str, Any]:
    """A chat that ends after so many tokens, with a prompt that no cache knows."""
    said = " ".join(random.choices(_WORDS, k=words))
    return {
        "messages": [{"role": "user", "content": f"Go on with this list: {said}"}],
        "max_tokens": tokens,
        "stream": stream,
        "cache_prompt": False,
        "ignore_eos": True,
    }


def usual(bench: Bench, calls: int = 6, tokens: int = 30, longest_words: int = LONG_WORDS) -> None:
    """Undisturbed calls, from which the product learns what is usual."""
    for number in range(calls):
        ask(bench.url, body(tokens, longest_words if number == 0 else 60))


def queued(bench: Bench, tokens: int = 150) -> Suffered:
    """More requests than slots."""
    before = bench.occupy(tokens, bench.slots)
    heard = ask(bench.url, body(10))
    return Suffered(heard, min(one.result().ended_s for one in before) - heard.sent_s)


def queued_whole(bench: Bench) -> Suffered:
    """The same, the answer in one piece."""
    before = bench.occupy(150, bench.slots)
    heard = ask(bench.url, body(10, stream=False))
    return Suffered(heard, min(one.result().ended_s for one in before) - heard.sent_s)


def queued_unsaid(bench: Bench) -> Suffered:
    """The same by a protocol in which this engine tells no times: its metrics page must do."""
    before = bench.occupy(600, bench.slots)
    message = {name: body(10)[name] for name in ("messages", "max_tokens", "stream")}
    heard = ask(bench.url, message, MESSAGES)
    return Suffered(heard, min(one.result().ended_s for one in before) - heard.sent_s)


def long_prompt(bench: Bench) -> Suffered:
    """A long prompt of one's own."""
    heard = ask(bench.url, body(4, LONG_WORDS))
    return Suffered(heard, heard.first_s)


def long_answer(bench: Bench) -> Suffered:
    """A long answer of one's own."""
    heard = ask(bench.url, body(200))
    return Suffered(heard, heard.streamed_s)


def neighbours_prompt(bench: Bench) -> Suffered:
    """Somebody else's long prompt, in the middle of the stream."""
    other: list[Asking] = []

    def on_event(number: int) -> None:
        if number == 10:
            other.append(Asking(bench.url, body(1, LONG_WORDS)))

    heard = ask(bench.url, body(30), CHAT, on_event)
    other[0].result()
    gaps_s = sorted(heard.gaps_s)
    return Suffered(heard, gaps_s[-1] - gaps_s[len(gaps_s) // 2])


def stalled(bench: Bench, seconds: float = 2.0) -> Suffered:
    """An engine that stands still, with nobody else there."""
    frozen: list[threading.Thread] = []

    def on_event(number: int) -> None:
        if number == 10:
            frozen.append(threading.Thread(target=bench.engine.freeze, args=(seconds,)))
            frozen[0].start()

    heard = ask(bench.url, body(30), CHAT, on_event)
    frozen[0].join()
    return Suffered(heard, max(heard.gaps_s))


def slow_client(bench: Bench, seconds: float = 8.0) -> Suffered:
    """A client that does not read; each token of its answer is some kilobytes long."""
    asked = {"prompt": secrets.token_hex(8), "n_predict": 100, "n_probs": 1_000, "stream": True}
    heard = ask_and_sleep(bench.url, {**asked, "ignore_eos": True}, "/completion", seconds)
    assert heard.engine_s is not None
    return Suffered(heard, heard.ended_s - heard.sent_s - heard.engine_s)


def crowded(bench: Bench) -> Suffered:
    """As many requests as slots: each step takes longer."""
    before = ask(bench.url, body(60))
    others = bench.occupy(140, bench.slots - 1)
    heard = ask(bench.url, body(60))
    for one in others:
        one.result()
    after = ask(bench.url, body(60))
    alone_s = (before.streamed_s + after.streamed_s) / 2
    return Suffered(heard, heard.streamed_s - alone_s)
