"""A client of OpenAI-compatible chat endpoints, for judging: bounded, counted, no redirects."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import httpx

from tachograph_evaluators.judges.settings import JudgeSettings

MAX_REPLY_BYTES: Final = 1024 * 1024

_MILLION: Final = Decimal(1_000_000)


class EndpointError(RuntimeError):
    """The endpoint did not answer as an OpenAI-compatible one does; says what to look at."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; tokens are None where the endpoint counts none."""

    text: str
    input_tokens: int | None
    output_tokens: int | None


class ChatClient:
    """One endpoint; safe to use from several threads."""

    def __init__(self, url: str, settings: JudgeSettings) -> None:
        self._url = url.rstrip("/")
        self._settings = settings
        key = settings.api_key.get_secret_value()
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._model = settings.model

    def model(self) -> str:
        """The model's name. Raises EndpointError when none is set and none is listed."""
        if not self._model:
            listed = self._json("GET", "/models", None).get("data")
            if not isinstance(listed, list) or not listed or "id" not in listed[0]:
                raise EndpointError(
                    f"{self._url}/models lists no model; set TACHOGRAPH_EVALUATORS_JUDGE_MODEL"
                )
            self._model = str(listed[0]["id"])
        return self._model

    def chat(self, messages: Sequence[Mapping[str, str]], **parameters: Any) -> Reply:
        """One completion. Raises EndpointError."""
        body = {"model": self.model(), "messages": list(messages), "stream": False, **parameters}
        found = self._json("POST", "/chat/completions", body)
        try:
            text = found["choices"][0]["message"]["content"]
        except (KeyError, IndexError, TypeError):
            raise EndpointError(
                f"{self._url} answered without choices[0].message.content"
            ) from None
        usage = found.get("usage")
        counts = usage if isinstance(usage, dict) else {}
        return Reply(
            str(text or ""),
            _count(counts.get("prompt_tokens")),
            _count(counts.get("completion_tokens")),
        )

    def cost(self, replies: Sequence[Reply]) -> Decimal | None:
        """Money for what the endpoint counted; None where it counted nothing."""
        if any(reply.input_tokens is None or reply.output_tokens is None for reply in replies):
            return None
        return sum(
            (
                (reply.input_tokens or 0) * self._settings.input_price / _MILLION
                + (reply.output_tokens or 0) * self._settings.output_price / _MILLION
                for reply in replies
            ),
            Decimal(0),
        )

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        try:
            with (
                httpx.Client(
                    timeout=self._settings.timeout_s, headers=self._headers, follow_redirects=False
                ) as http,
                http.stream(method, self._url + path, json=body) as response,
            ):
                content = bytearray()
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > MAX_REPLY_BYTES:
                        raise EndpointError(
                            f"{self._url} answered with more than {MAX_REPLY_BYTES} bytes"
                        )
                status = response.status_code
        except httpx.HTTPError as error:
            raise EndpointError(
                f"{self._url} does not answer ({type(error).__name__}); is it running, is the URL right?"
            ) from error
        if status != httpx.codes.OK:
            raise EndpointError(f"{self._url}{path} answered {status}: {bytes(content[:200])!r}")
        try:
            found = json.loads(content)
        except ValueError:
            raise EndpointError(f"{self._url}{path} answered no JSON") from None
        if not isinstance(found, dict):
            raise EndpointError(f"{self._url}{path} answered no JSON object")
        return found


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
