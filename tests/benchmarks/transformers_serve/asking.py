"""Requests to the engine, with and without the sidecar between, and what came back byte by byte."""

import http.client
import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TIMEOUT_S = 120.0
_CLOCK = re.compile(rb'"(created|created_at|completed_at)":\s*[0-9.]+')
"""Seconds of the engine's clock, the one thing in which two answers to one question differ."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request that can be asked again."""

    path: str
    body: Mapping[str, Any]
    request_id: str

    @property
    def is_stream(self) -> bool:
        return bool(self.body.get("stream"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body as it was, without its transfer coding."""

    status: int
    content_type: str
    body: bytes

    @property
    def without_clock(self) -> bytes:
        """The body with the engine's timestamps blanked out."""
        return _CLOCK.sub(rb'"\1":0', self.body)


def chat(model: str, words: str, tokens: int, request_id: str, *, is_stream: bool) -> Question:
    """A chat request, sampled greedily as the model's own settings say."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": words}],
        "max_tokens": tokens,
        "stream": is_stream,
    }
    return Question("/v1/chat/completions", body, request_id)


def ask(port: int, question: Question) -> Answer:
    """Raises OSError or http.client.HTTPException where the exchange breaks."""
    connection = _sent(port, question)
    try:
        answer = connection.getresponse()
        body = answer.read()
        return Answer(answer.status, answer.getheader("content-type", ""), body)
    finally:
        connection.close()


def ask_together(port: int, questions: Sequence[Question]) -> list[Answer | Exception]:
    """All at once, each on a connection of its own; what went wrong stands in an answer's place."""
    found: list[Answer | Exception] = [RuntimeError("not asked")] * len(questions)

    def one(place: int) -> None:
        try:
            found[place] = ask(port, questions[place])
        except (OSError, http.client.HTTPException) as error:
            found[place] = error

    threads = [threading.Thread(target=one, args=(place,)) for place in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def hang_up(port: int, question: Question, after_bytes: int) -> bytes:
    """Read the beginning of a stream, then close the connection; returns what was read."""
    connection = _sent(port, question)
    try:
        with connection.getresponse() as answer:  # holds the socket too
            return answer.read(after_bytes)
    finally:
        connection.close()


def _sent(port: int, question: Question) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    headers = {"content-type": "application/json", "x-request-id": question.request_id}
    connection.request("POST", question.path, json.dumps(question.body).encode(), headers)
    return connection
