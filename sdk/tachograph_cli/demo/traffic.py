"""The demo's application: asks the model questions through the sidecar, as a real service would.

The ordinary `openai` client, wrapped by the SDK; each request inside an observed function, with a
retrieval whose documents are the passage that the answer has to rely on.
"""

import itertools
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import tachograph
from tachograph_cli.demo.engine import MODEL_NAME
from tachograph_cli.demo.prompts import Item, chat_messages

MAX_TOKENS: Final = 40
_SEED: Final = 7
_REQUEST_TIMEOUT_S: Final = 60.0
_FOREIGN_PASSAGE: Final = 23  # how far away the passage of a mixed-up request lies
_MAX_ERRORS_KEPT: Final = 5


class Mode(StrEnum):
    """How the application behaves; also the variant under which its requests are recorded."""

    NORMAL = "normal"
    DEGRADED = "degraded"  # temperature 2, and passages mixed up between requests


@dataclass(frozen=True)
class Caller:
    """A tenant of the application with a client of its own API key."""

    tenant: str
    client: Any  # openai.OpenAI, wrapped


class Traffic:
    """Threads that ask one question after another until stopped."""

    def __init__(
        self, base_url: str, keys: Mapping[str, str], items: Sequence[Item], threads: int
    ) -> None:
        import openai

        self.callers = [
            Caller(
                tenant,
                tachograph.wrap(
                    openai.OpenAI(
                        base_url=base_url,
                        api_key=key,
                        max_retries=0,  # a retry would be a request that nobody counted
                        timeout=_REQUEST_TIMEOUT_S,
                    )
                ),
            )
            for tenant, key in keys.items()
        ]
        self.mode = Mode.NORMAL
        self.errors: list[str] = []
        self._items = items
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._sent = {mode: 0 for mode in Mode}
        self._answered = {mode: 0 for mode in Mode}
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets every request under way finish."""
        self._stopping.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def sent(self, mode: Mode | None = None) -> int:
        """Requests begun, of one mode or of all."""
        with self._lock:
            return sum(self._sent.values()) if mode is None else self._sent[mode]

    def answered(self, mode: Mode | None = None) -> int:
        """Requests that got a whole answer."""
        with self._lock:
            return sum(self._answered.values()) if mode is None else self._answered[mode]

    def _ask_on(self) -> None:
        while not self._stopping.is_set():
            number, mode = next(self._numbers), self.mode
            with self._lock:
                self._sent[mode] += 1
            try:
                self._ask(number, mode)
            except Exception as error:  # noqa: BLE001 - whatever a request raises, the next follows
                with self._lock:
                    if len(self.errors) < _MAX_ERRORS_KEPT:
                        self.errors.append(f"{type(error).__name__}: {error}")
                time.sleep(0.5)
                continue
            with self._lock:
                self._answered[mode] += 1

    def _ask(self, number: int, mode: Mode) -> None:
        item = self._items[number % len(self._items)]
        caller = self.callers[number % len(self.callers)]
        passage = self._passage_for(item, mode)

        @tachograph.observe(name="answer_question")
        def answer_question(question: str) -> str:
            with tachograph.retrieval(question, source="demo-passages") as retrieval:
                retrieval.documents = [{"id": item.id, "content": item.context}]
            return generate(caller.client, question, passage, mode, is_streamed=number % 4 > 1)

        with tachograph.context(
            tenant=caller.tenant,
            user=f"{caller.tenant}-user-{number % 5}",
            session=f"{caller.tenant}-{number // 8}",
            variant=mode.value,
        ):
            answer_question(item.question)

    def _passage_for(self, item: Item, mode: Mode) -> str:
        """The passage that reaches the model: the right one, or another question's."""
        if mode is Mode.NORMAL:
            return item.context
        index = self._items.index(item) + _FOREIGN_PASSAGE
        return self._items[index % len(self._items)].context


def generate(client: Any, question: str, passage: str, mode: Mode, *, is_streamed: bool) -> str:
    """One request to the model; returns its answer."""
    response = client.chat.completions.create(
        model=MODEL_NAME,
        messages=chat_messages(question, passage),
        max_tokens=MAX_TOKENS,
        temperature=0 if mode is Mode.NORMAL else 2,
        seed=_SEED,
        stream=is_streamed,
    )
    if not is_streamed:
        return response.choices[0].message.content or ""
    pieces = [chunk.choices[0].delta.content or "" for chunk in response if chunk.choices]
    return "".join(pieces)
