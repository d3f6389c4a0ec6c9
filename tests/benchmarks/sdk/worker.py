"""One measured process: an SDK records generations, back to back and paced.

Standard library only, because it runs in every peer's environment. Prints one JSON object a line.

    worker.py ADAPTER ENDPOINT CONTROL PLAN

`ADAPTER` is a module of `adapters/`; `CONTROL` the receiver's own address; `PLAN` is JSON, see
`Plan`. An adapter has `start(endpoint, max_queue)`, `call(number, prompt, answer)`,
`finish() -> None` (send what is queued) and `books() -> dict | None`.
"""

import importlib
import json
import random
import sys
import time
import urllib.request
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_PROMPT_CHARACTERS: Final = 1250
_POOL: Final = 256
_WORDS: Final = [
    "the",
    "a",
    "of",
    "to",
    "and",
    "in",
    "that",
    "is",
    "was",
    "he",
    "for",
    "it",
    "with",
    "as",
    "his",
    "on",
    "be",
    "at",
    "by",
    "had",
    "not",
    "are",
    "but",
    "from",
    "or",
    "have",
    "an",
    "they",
    "which",
    "one",
    "you",
    "were",
    "all",
    "her",
    "she",
    "there",
    "would",
    "their",
    "we",
    "him",
    "been",
    "has",
    "when",
    "who",
    "will",
    "no",
    "more",
    "if",
    "out",
    "so",
    "up",
    "said",
    "what",
    "its",
    "about",
    "than",
    "into",
    "them",
    "can",
    "only",
    "other",
    "time",
    "new",
    "some",
    "could",
    "these",
    "two",
    "may",
    "first",
    "then",
    "do",
    "any",
    "like",
    "my",
    "now",
    "over",
    "such",
    "our",
    "man",
    "me",
    "even",
    "most",
    "made",
    "after",
    "also",
    "did",
    "many",
    "off",
    "before",
    "must",
    "well",
    "back",
    "through",
    "years",
    "where",
    "much",
    "your",
    "way",
    "down",
    "should",
    "because",
    "long",
    "each",
    "just",
    "state",
    "those",
    "people",
    "too",
    "mister",
    "how",
    "little",
    "good",
    "world",
    "make",
    "very",
    "year",
    "still",
    "see",
    "own",
    "work",
    "men",
    "day",
    "get",
    "here",
    "old",
    "life",
    "both",
    "between",
    "being",
    "under",
    "three",
    "never",
    "know",
    "same",
    "last",
    "another",
    "while",
    "us",
    "might",
    "great",
    "go",
    "come",
    "since",
    "against",
    "right",
    "came",
    "take",
    "used",
    "himself",
    "few",
    "house",
    "american",
    "use",
    "place",
    "during",
    "high",
    "without",
    "again",
    "home",
    "around",
    "small",
    "however",
    "found",
    "mrs",
    "part",
    "school",
    "thought",
    "went",
    "say",
    "general",
    "once",
    "upon",
    "war",
    "every",
    "does",
    "got",
    "united",
    "left",
    "number",
    "course",
    "until",
    "always",
    "public",
    "away",
    "something",
    "fact",
    "though",
    "water",
    "less",
    "put",
    "think",
    "almost",
    "enough",
    "took",
    "far",
    "hand",
    "yet",
    "government",
    "head",
    "system",
    "better",
    "set",
    "told",
    "nothing",
    "night",
    "end",
    "why",
    "called",
    "eyes",
    "find",
    "going",
    "look",
    "asked",
    "later",
    "point",
    "knew",
    "next",
    "city",
    "business",
]


def texts(seed: int) -> list[str]:
    """Different texts of one length, of common English words."""
    rng = random.Random(seed)
    made = []
    for _ in range(_POOL):
        words: list[str] = []
        while sum(map(len, words)) + len(words) < _PROMPT_CHARACTERS:
            words.append(rng.choice(_WORDS))
        made.append(" ".join(words)[:_PROMPT_CHARACTERS])
    return made


class Worker:
    """Runs one adapter through the phases of a plan."""

    def __init__(self, adapter: Any, control: str, plan: dict[str, Any]) -> None:
        self._adapter = adapter
        self._control = control
        self._plan = plan
        self._prompts, self._answers = texts(1), texts(2)
        self._number = 0

    def warm_up(self) -> None:
        self._calls(self._plan["warm_up_calls"], None)
        self._settle()

    def back_to_back(self, calls: int) -> dict[str, Any]:
        with self._measured("back to back", calls) as result:
            result["caller_ns"], result["caller_cpu_ns"] = self._calls(calls, None)
        return result

    def paced(self, calls: int, per_second: float) -> dict[str, Any]:
        with self._measured("paced", calls) as result:
            result["caller_ns"], result["caller_cpu_ns"] = self._calls(calls, per_second)
        return result

    @contextmanager
    def _measured(self, phase: str, calls: int) -> Iterator[dict[str, Any]]:
        self._ask("POST", "/reset")
        before = self._adapter.books()
        result: dict[str, Any] = {"phase": phase, "calls": calls}
        cpu, wall = time.process_time(), time.perf_counter()
        yield result
        result["calls_s"] = time.perf_counter() - wall
        self._adapter.finish()
        result["cpu_s"] = time.process_time() - cpu
        result["received"] = self._received()
        result["books"] = _difference(before, self._adapter.books())

    def _calls(self, calls: int, per_second: float | None) -> tuple[list[int], list[int]]:
        """Time of each call by the clock and by the processor, ns: where the first is far longer,
        the thread was waiting, for the interpreter or for other processes of the machine."""
        # Arrays, so that what the benchmark keeps gives the garbage collector nothing to do.
        took, used = array("q", bytes(8 * calls)), array("q", bytes(8 * calls))
        call, clock, cpu = self._adapter.call, time.perf_counter_ns, time.thread_time_ns
        prompts, answers = self._prompts, self._answers
        started_at = time.monotonic()
        for position in range(calls):
            if per_second is not None:
                wait_s = started_at + position / per_second - time.monotonic()
                if wait_s > 0:
                    time.sleep(wait_s)
            number = self._number + position
            prompt, answer = prompts[number % _POOL], answers[number % _POOL]
            cpu_before = cpu()
            before = clock()
            call(number, prompt, answer)
            took[position] = clock() - before
            used[position] = cpu() - cpu_before
        self._number += calls
        return took.tolist(), used.tolist()

    def _settle(self) -> None:
        self._adapter.finish()
        self._received()

    def _received(self) -> dict[str, int]:
        """What the receiver has, once nothing more comes."""
        found = self._ask("GET", "/count")
        while True:
            time.sleep(0.1)
            again = self._ask("GET", "/count")
            if again == found:
                counted: dict[str, int] = found
                return counted
            found = again

    def _ask(self, method: str, path: str) -> Any:
        data = b"" if method == "POST" else None
        request = urllib.request.Request(self._control + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")


def _difference(
    before: dict[str, int] | None, after: dict[str, int] | None
) -> dict[str, int] | None:
    if before is None or after is None:
        return None
    return {name: after[name] - before.get(name, 0) for name in after}


def main() -> None:
    name, endpoint, control, plan_text = sys.argv[1:]
    sys.path.insert(0, str(Path(__file__).with_name("adapters")))
    plan = json.loads(plan_text)
    adapter = importlib.import_module(name)
    adapter.start(endpoint, plan["max_queue"])
    worker = Worker(adapter, control, plan)
    worker.warm_up()
    if plan["back_to_back_calls"]:
        print(json.dumps(worker.back_to_back(plan["back_to_back_calls"])), flush=True)
    if plan["paced_calls"]:
        print(json.dumps(worker.paced(plan["paced_calls"], plan["per_second"])), flush=True)


if __name__ == "__main__":
    main()
