"""The texts of a streamed answer, each put together from the pieces in its events.

Each text (a choice's content, its reasoning, a tool call's arguments) has a window of its own. A
piece is replaced by what may go on; what waits comes with the event that ends its text.
"""

from collections.abc import Callable
from typing import Any, Final

from tachograph_detectors.redact import Redactor
from tachograph_detectors.stream import StreamRedactor
from tachograph_sidecar.redact.strings import STRUCTURE, redacted, without_log_probabilities

MAX_TEXTS: Final = 256
"""Texts of one stream; a piece of one more is redacted by itself."""

_SAID: Final = ("content", "reasoning_content", "reasoning", "refusal", "thinking")
_Key = tuple[object, ...]


class Deltas:
    """Redacts the events of one stream in order."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._streams: dict[_Key, StreamRedactor] = {}
        self._templates: dict[_Key, Callable[[str], Any]] = {}

    def event(self, event: Any) -> list[Any]:
        """What goes on in place of one event: itself, redacted, after those that its end brings."""
        if not isinstance(event, dict):
            return [redacted(event, self._redactor)]
        event = without_log_probabilities(event)
        if isinstance(event.get("choices"), list):
            return [self._chat(event)]
        kind = event.get("type")
        if isinstance(kind, str) and kind.startswith("response."):
            return self._responses(event, kind)
        if isinstance(kind, str) and kind.startswith("content_block_"):
            return self._block(event, kind)
        return [self._native(event)]

    def rest(self) -> list[Any]:
        """Events for texts that nothing ended."""
        found = []
        for key, stream in self._streams.items():
            if text := stream.finish():
                found.append(self._templates[key](text))
        self._streams.clear()
        return found

    # --- OpenAI chat and completions

    def _chat(self, event: dict[str, Any]) -> dict[str, Any]:
        choices = [self._choice(event, c) if isinstance(c, dict) else c for c in event["choices"]]
        others = {name: value for name, value in event.items() if name != "choices"}
        return {**redacted(others, self._redactor), "choices": choices}

    def _choice(self, event: dict[str, Any], choice: dict[str, Any]) -> dict[str, Any]:
        index = choice.get("index", 0)
        others = {k: v for k, v in choice.items() if k not in ("delta", "text")}
        changed: dict[str, Any] = redacted(others, self._redactor)
        if "text" in choice:
            key: _Key = ("text", index)
            make = _maker(event, lambda text: {"index": index, "text": text})
            changed["text"] = self._piece(key, choice["text"], make)
            if choice.get("finish_reason") and isinstance(changed["text"], str):
                changed["text"] += self._end(key)
        if "delta" in choice or choice.get("finish_reason"):
            delta = self._delta(event, index, choice.get("delta"))
            if choice.get("finish_reason"):
                self._end_choice(index, delta)
            if delta or "delta" in choice:
                changed["delta"] = delta
        return {name: changed[name] for name in (*choice, *changed) if name in changed}

    def _delta(self, event: dict[str, Any], index: Any, delta: Any) -> dict[str, Any]:
        if not isinstance(delta, dict):
            return {}
        changed: dict[str, Any] = {}
        for name, value in delta.items():
            if name in _SAID and isinstance(value, str):
                changed[name] = self._piece(
                    ("delta", index, name), value, _maker(event, _said(index, name))
                )
            elif name == "tool_calls" and isinstance(value, list):
                changed[name] = [self._call(event, index, call) for call in value]
            else:
                changed[name] = value if name in STRUCTURE else redacted(value, self._redactor)
        return changed

    def _call(self, event: dict[str, Any], index: Any, call: Any) -> Any:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("arguments"), str):
            return redacted(call, self._redactor)
        position = call.get("index", 0)
        arguments = self._piece(
            ("call", index, position),
            function["arguments"],
            _maker(event, _called(index, position)),
            escapes=True,
        )
        return {**call, "function": {**function, "arguments": arguments}}

    def _end_choice(self, index: Any, delta: dict[str, Any]) -> None:
        """Put what waits of a choice into its last event."""
        for key in [key for key in self._streams if key[1] == index]:
            kind, _, name = (*key, None)[:3]
            if kind == "text" or not (text := self._end(key)):
                continue
            if kind == "delta":
                delta[str(name)] = (delta.get(str(name)) or "") + text
            elif kind == "call":
                calls = delta.setdefault("tool_calls", [])
                calls.append({"index": name, "function": {"arguments": text}})

    # --- OpenAI responses

    def _responses(self, event: dict[str, Any], kind: str) -> list[Any]:
        name, _, phase = kind.rpartition(".")
        key = (name, event.get("item_id"), event.get("output_index"), event.get("content_index"))
        if phase == "delta" and isinstance(event.get("delta"), str):
            text = self._piece(
                key,
                event["delta"],
                lambda text: {**event, "delta": text},
                escapes="arguments" in name,
            )
            return [{**event, "delta": text}]
        found = [redacted(event, self._redactor)]
        if phase == "done" and key in self._streams and (text := self._end(key)):
            found.insert(0, self._templates[key](text))
        return found

    # --- Anthropic messages

    def _block(self, event: dict[str, Any], kind: str) -> list[Any]:
        index, delta = event.get("index"), event.get("delta")
        if kind == "content_block_delta" and isinstance(delta, dict):
            changed = {name: self._block_piece(event, delta, name) for name in delta}
            return [{**event, "delta": changed}]
        found = [redacted(event, self._redactor)]
        if kind == "content_block_stop":
            for key in [key for key in self._streams if key[:2] == ("block", index)]:
                make = self._templates[key]
                if text := self._end(key):
                    found.insert(0, make(text))
        return found

    def _block_piece(self, event: dict[str, Any], delta: dict[str, Any], name: str) -> Any:
        if name in ("type", "signature"):
            return delta[name]
        if name not in ("text", "thinking", "partial_json"):
            return redacted(delta[name], self._redactor)
        kind, index = delta.get("type"), event.get("index")
        return self._piece(
            ("block", index, name),
            delta[name],
            lambda text: {
                "type": "content_block_delta",
                "index": index,
                "delta": {"type": kind, name: text},
            },
            escapes=name == "partial_json",
        )

    # --- Ollama and llama.cpp

    def _native(self, event: dict[str, Any]) -> dict[str, Any]:
        ends = event.get("done") is True or event.get("stop") is True
        changed: dict[str, Any] = {}
        for name, value in event.items():
            if name in ("response", "content", "thinking") and isinstance(value, str):
                changed[name] = self._whole((name,), value, event, ends)
            elif name == "message" and isinstance(value, dict):
                changed[name] = {
                    inner: self._whole((name, inner), said, event, ends)
                    if inner in _SAID and isinstance(said, str)
                    else redacted(said, self._redactor)
                    for inner, said in value.items()
                }
            else:
                changed[name] = value if name in STRUCTURE else redacted(value, self._redactor)
        return changed

    def _whole(self, key: _Key, value: str, event: dict[str, Any], ends: bool) -> Any:
        def make(text: str) -> Any:
            return {**event, key[0]: text if len(key) == 1 else {key[1]: text}}

        return self._piece(key, value, make) + (self._end(key) if ends else "")

    # ---

    def _piece(
        self, key: _Key, piece: Any, make: Callable[[str], Any], *, escapes: bool = False
    ) -> Any:
        if not isinstance(piece, str):
            return piece
        stream = self._streams.get(key)
        if stream is None:
            if len(self._streams) >= MAX_TEXTS:
                return self._redactor.text(piece)
            stream = self._streams[key] = StreamRedactor(self._redactor, escapes=escapes)
        self._templates[key] = make
        return stream.feed(piece)

    def _end(self, key: _Key) -> str:
        stream = self._streams.pop(key, None)
        return "" if stream is None else stream.finish()


def _maker(
    event: dict[str, Any], choice: Callable[[str], dict[str, Any]]
) -> Callable[[str], dict[str, Any]]:
    """How an event like this one says a text: its head with one choice."""
    head: dict[str, Any] = {
        name: event[name] for name in ("id", "object", "created", "model") if name in event
    }
    return lambda text: {**head, "choices": [{"finish_reason": None, **choice(text)}]}


def _said(index: Any, name: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: {"index": index, "delta": {name: text}}


def _called(index: Any, position: Any) -> Callable[[str], dict[str, Any]]:
    def choice(text: str) -> dict[str, Any]:
        call = {"index": position, "function": {"arguments": text}}
        return {"index": index, "delta": {"tool_calls": [call]}}

    return choice
