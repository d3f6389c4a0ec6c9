"""Streams planned answers from an OpenAI-compatible engine and notes when each event came."""

import http.client
import json
import random
import string
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.benchmarks.ledger.recording import RequestRecord

TIMEOUT_S = 900.0


@dataclass(frozen=True, slots=True)
class Spec:
    """One request to be made: its lengths in tokens, and when after the start of its load."""

    prompt_tokens: int
    output_tokens: int
    delay_s: float = 0.0


class StreamClient:
    """Sends prompts of random words, which share no prefix; `Spec` lengths become words by what the
    engine says of the first two."""

    def __init__(self, url: str, model: str, seed: int) -> None:
        parts = urlsplit(url)
        if not parts.hostname:
            raise SystemExit(f"--upstream {url!r} is no URL: write http://127.0.0.1:8000")
        self._host, self._port = parts.hostname, parts.port or 80
        self._model = model
        self._draw = random.Random(seed)
        self._lock = threading.Lock()
        self._next_key = 0
        self._tokens_per_word = 2.0

    def learn_words(self) -> None:
        """How many tokens a word is; warms the engine up."""
        short = self.send_together([Spec(20, 1)], -1)[0].input_tokens
        long = self.send_together([Spec(420, 1)], -1)[0].input_tokens
        self._tokens_per_word = max(0.2, (long - short) / 200)

    def send_together(self, specs: Sequence[Spec], experiment: int) -> list[RequestRecord]:
        """All of them, each at its delay; returns when the last one is answered.

        Raises SystemExit when the engine fails: half a load is no measurement.
        """
        found: list[RequestRecord | None] = [None] * len(specs)
        problems: list[Exception] = []
        first_key = self._next_key
        self._next_key += len(specs)
        bodies = [self._body(spec) for spec in specs]
        started = time.perf_counter()

        def send(place: int) -> None:
            wait_s = specs[place].delay_s - (time.perf_counter() - started)
            time.sleep(max(0.0, wait_s))
            try:
                found[place] = self._send(bodies[place], first_key + place, experiment)
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                problems.append(error)

        threads = [threading.Thread(target=send, args=(n,)) for n in range(len(specs))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems:
            raise SystemExit(f"the engine failed in the middle of a load: {problems[0]!r}")
        return [record for record in found if record is not None]

    def _body(self, spec: Spec) -> bytes:
        words = max(1, round(spec.prompt_tokens / self._tokens_per_word))
        letters = string.ascii_lowercase
        prompt = " ".join("".join(self._draw.choices(letters, k=4)) for _ in range(words))
        return json.dumps(
            {
                "model": self._model,
                "messages": [{"role": "user", "content": prompt}],
                "max_tokens": spec.output_tokens,
                "stream": True,
                "stream_options": {"include_usage": True},
                "ignore_eos": True,
            }
        ).encode()

    def _send(self, body: bytes, key: int, experiment: int) -> RequestRecord:
        connection, answer, begin_ns = self._ask(body)
        if answer.status in (400, 422):  # an engine that refuses what it does not know
            answer.close()
            connection.close()
            asked = json.loads(body)
            del asked["ignore_eos"]
            connection, answer, begin_ns = self._ask(json.dumps(asked).encode())
        events: list[int] = []
        usage: dict[str, Any] = {}
        try:
            if answer.status != 200:
                raise ValueError(f"status {answer.status}: {answer.read(300)!r}")
            for line in answer:
                now_ns = time.perf_counter_ns()
                if not line.startswith(b"data: {"):
                    continue
                event = json.loads(line[6:])
                usage = event.get("usage") or usage
                choices = event.get("choices") or [{}]
                if (choices[0].get("delta") or {}).get("content"):
                    events.append(now_ns)
        finally:
            answer.close()
            connection.close()
        details = usage.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict) else None
        return RequestRecord(
            key=key,
            experiment=experiment,
            begin_ns=begin_ns,
            events_ns=events,
            end_ns=time.perf_counter_ns(),
            prompt_bytes=len(body),
            input_tokens=usage["prompt_tokens"],
            cached_tokens=cached or 0,
            output_tokens=usage["completion_tokens"],
        )

    def _ask(self, body: bytes) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse, int]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        begin_ns = time.perf_counter_ns()
        headers = {"content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", body, headers)
        return connection, connection.getresponse(), begin_ns
