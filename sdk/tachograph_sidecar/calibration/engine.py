"""Asks an OpenAI-compatible engine for planned answers, many at once, and counts what they took."""

import http.client
import json
import random
import ssl
import string
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from tachograph_sidecar.proxy.pool import Upstream

TIMEOUT_S: Final = 600.0
MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
_WORD_LETTERS: Final = 4


class EngineProblem(Exception):
    """The engine cannot be calibrated; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What the engine says that one request took."""

    prompt_tokens: int
    cached_tokens: int
    output_tokens: int


class EngineClient:
    """Chat completions, not streamed, with prompts that share no prefix.

    Args:
        upstream: where the engine listens.
        model: the model's name there.
        api_key: sent as a bearer token; None sends none.
        draw: makes the words of prompts.
    """

    def __init__(
        self, upstream: Upstream, model: str, api_key: str | None, draw: random.Random
    ) -> None:
        self._upstream = upstream
        self._model = model
        self._api_key = api_key
        self._draw = draw
        self._tokens_per_word = 2.0

    def learn_words(self) -> None:
        """How many tokens a word of ours is to this model. Raises EngineProblem."""
        short, long = self.ask(20, 1), self.ask(220, 1, in_words=True)
        self._tokens_per_word = max(0.2, (long.prompt_tokens - short.prompt_tokens) / 210)

    def ask(self, prompt_tokens: int, output_tokens: int, *, in_words: bool = False) -> Answered:
        """One answer of about so many tokens to a prompt of about so many.

        Raises EngineProblem.
        """
        words = prompt_tokens if in_words else round(prompt_tokens / self._tokens_per_word)
        return self._send(self._prompt(max(1, words)), output_tokens)

    def ask_together(
        self, count: int, prompt_tokens: int, output_tokens: int
    ) -> Sequence[Answered]:
        """So many at once. Raises EngineProblem."""
        words = max(1, round(prompt_tokens / self._tokens_per_word))
        prompts = [self._prompt(words) for _ in range(count)]
        with ThreadPoolExecutor(count, thread_name_prefix="calibrate") as pool:
            return list(pool.map(lambda prompt: self._send(prompt, output_tokens), prompts))

    def _prompt(self, words: int) -> str:
        letters = string.ascii_lowercase
        return " ".join("".join(self._draw.choices(letters, k=_WORD_LETTERS)) for _ in range(words))

    def _send(self, prompt: str, output_tokens: int) -> Answered:
        asked = {
            "model": self._model,
            "messages": [{"role": "user", "content": prompt}],
            "max_tokens": output_tokens,
            "temperature": 0,
            "stream": False,
            # vLLM, SGLang and llama.cpp go on after an end of text; others leave this out
            "ignore_eos": True,
        }
        status, body = self._post("/v1/chat/completions", json.dumps(asked).encode())
        if status in (400, 422):  # an engine that refuses what it does not know
            del asked["ignore_eos"]
            status, body = self._post("/v1/chat/completions", json.dumps(asked).encode())
        if status != 200:
            said = body[:300].decode("utf-8", "replace")
            raise EngineProblem(
                f"the engine at {self._upstream.url} answers {status}: {said}; is --model the name "
                "that /v1/models tells?"
            )
        return _answered(body)

    def _post(self, path: str, body: bytes) -> tuple[int, bytes]:
        upstream = self._upstream
        connection = (
            http.client.HTTPSConnection(
                upstream.host,
                upstream.port,
                timeout=TIMEOUT_S,
                context=ssl.create_default_context(),
            )
            if upstream.scheme == "https"
            else http.client.HTTPConnection(upstream.host, upstream.port, timeout=TIMEOUT_S)
        )
        headers = {"content-type": "application/json"}
        if self._api_key is not None:
            headers["authorization"] = f"Bearer {self._api_key}"
        try:
            connection.request("POST", upstream.prefix + path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(MAX_ANSWER_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise EngineProblem(
                f"the engine at {upstream.url} does not answer ({error}): start it, or give its "
                "address with --upstream"
            ) from error
        finally:
            connection.close()


def _answered(body: bytes) -> Answered:
    try:
        usage: Any = json.loads(body)["usage"]
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        return Answered(
            prompt_tokens=int(usage["prompt_tokens"]),
            cached_tokens=int(cached),
            output_tokens=int(usage["completion_tokens"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineProblem(
            "the engine's answers tell no token counts (`usage`): it cannot be calibrated"
        ) from error
