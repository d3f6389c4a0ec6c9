"""The calls that every package is watched at: the real `openai` client against a local server."""

import os
from collections.abc import Callable
from typing import Any

MODEL = "gpt-4o"
EMBEDDING_MODEL = "text-embedding-3-small"
MESSAGES: Any = [
    {"role": "system", "content": "Answer in one sentence."},
    {"role": "user", "content": "What colour is the sky?"},
]
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather of a city.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


class Calls:
    """One method a call, in the order of the expected table."""

    def __init__(self, openai: Any, url: str, tools_url: str, failing_url: str) -> None:
        self._openai = openai
        self._client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
        self._tools = openai.OpenAI(base_url=tools_url, api_key="none", max_retries=0)
        self._failing = openai.OpenAI(base_url=failing_url, api_key="none", max_retries=0)

    def chat(self) -> None:
        """An answer in one piece."""
        self._client.chat.completions.create(
            model=MODEL, messages=MESSAGES, temperature=0.5, max_tokens=64, user="ada"
        )

    def chat_stream_usage(self) -> None:
        """A stream that ends with the usage."""
        stream = self._client.chat.completions.create(
            model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        list(stream)

    def chat_stream(self) -> None:
        """A stream without usage: its tokens are unknown."""
        list(self._client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True))

    def tool_call(self) -> None:
        """An answer that asks for a tool."""
        self._tools.chat.completions.create(model=MODEL, messages=MESSAGES, tools=TOOLS)

    def tool_call_stream(self) -> None:
        """The same, streamed with usage."""
        stream = self._tools.chat.completions.create(
            model=MODEL,
            messages=MESSAGES,
            tools=TOOLS,
            stream=True,
            stream_options={"include_usage": True},
        )
        list(stream)

    def embeddings(self) -> None:
        """A vector."""
        self._client.embeddings.create(
            model=EMBEDDING_MODEL, input="The sky.", encoding_format="float"
        )

    def error(self) -> None:
        """A refusal by the server."""
        try:
            self._failing.chat.completions.create(model=MODEL, messages=MESSAGES)
        except self._openai.APIStatusError:
            return
        raise SystemExit("the failing server did not fail")


def every_call(openai: Any) -> list[Callable[[], None]]:
    """All calls; their servers are named by the environment."""
    calls = Calls(
        openai,
        os.environ["CONFORMANCE_URL"],
        os.environ["CONFORMANCE_TOOLS_URL"],
        os.environ["CONFORMANCE_FAILING_URL"],
    )
    return [
        calls.chat,
        calls.chat_stream_usage,
        calls.chat_stream,
        calls.tool_call,
        calls.tool_call_stream,
        calls.embeddings,
        calls.error,
    ]
