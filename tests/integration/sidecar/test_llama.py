"""Through the sidecar and around it: the same bytes from a real llama.cpp server."""

import http.client
import json
import re
import socket
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tachograph_sidecar.engines.detect import detect
from tachograph_sidecar.proxy.pool import parse_upstream

if TYPE_CHECKING:
    from tests.integration.sidecar.conftest import KeepingOutlet, Kit

QUESTION = {
    "messages": [{"role": "user", "content": "Name three colours and three animals."}],
    "max_tokens": 10,
    "temperature": 0,
    "seed": 7,
    "cache_prompt": False,
}
# Ids, times and speeds differ between any two answers of one server.
_VOLATILE = (
    (re.compile(rb'"id":"[^"]*"'), b'"id":"-"'),
    (re.compile(rb'"created":\d+'), b'"created":0'),
    (re.compile(rb'"(prompt|predicted)_(ms|per_token_ms|per_second)":[0-9.e+-]+'), b'"\\1_\\2":0'),
)


def _ask(url: str, body: dict[str, object], path: str = "/v1/chat/completions") -> bytes:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=180)
    connection.request(
        "POST", path, json.dumps(body), {"Content-Type": "application/json", "User-Agent": "test"}
    )
    answer = connection.getresponse()
    assert answer.status == 200
    data = answer.read()
    connection.close()
    return data


def _steady(data: bytes) -> bytes:
    for pattern, replacement in _VOLATILE:
        data = pattern.sub(replacement, data)
    return data


def _said(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream, or the one whole answer."""
    events = [line.removeprefix(b"data: ") for line in data.splitlines() if line[:5] == b"data:"]
    return [json.loads(event) for event in events or [data]]


def facts_of(outlet: "KeepingOutlet") -> Mapping[str, Any]:
    """The attributes of the span that the sidecar sent."""
    found = outlet.the_span().attributes
    assert found is not None
    return found


class Tap:
    """Passes one connection on to the engine and keeps what came back."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._engine = (parts.hostname or "", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.came_back: list[bytes] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(120)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._engine)
            kept: list[bytes] = []
            for source, target, keep in ((near, far, None), (far, near, kept)):
                thread = threading.Thread(target=self._copy, args=(source, target, keep))
                self._threads.append(thread)
                thread.start()

    def _copy(self, source: socket.socket, target: socket.socket, keep: list[bytes] | None) -> None:
        try:
            while data := source.recv(65536):
                if keep is not None:
                    keep.append(data)
                target.sendall(data)
        except OSError:
            pass  # either side may end first
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        if keep is not None:
            self.came_back.append(b"".join(keep))
            source.close()
            target.close()


@pytest.mark.parametrize("extra", [{}, {"stream": True}, {"n": 2, "stream": True}])
def test_the_same_bytes_through_and_around(
    kit: "Kit", outlet: "KeepingOutlet", llama_url: str, extra: dict[str, object]
) -> None:
    sidecar = kit.sidecar(llama_url, outlet, engine="llama_cpp")
    body = {**QUESTION, **extra}
    around = _ask(llama_url, body)
    through = _ask(f"http://127.0.0.1:{sidecar.port}", body)
    assert _steady(through) == _steady(around)
    assert len(through) > 300


@pytest.mark.parametrize("is_stream", [False, True])
def test_not_one_byte_differs_from_what_the_engine_sent(
    kit: "Kit", llama_url: str, is_stream: bool
) -> None:
    tap = Tap(llama_url)
    sidecar = kit.sidecar(tap.url)
    got = _ask(f"http://127.0.0.1:{sidecar.port}", {**QUESTION, "stream": is_stream})
    sidecar.close()
    tap.close()
    sent = [data for data in tap.came_back if b"chatcmpl" in data]
    head, _, body = sent[0].partition(b"\r\n\r\n")
    if b"chunked" in head:
        body = _unchunk(body)
    assert got == body


def test_the_span_has_the_engines_own_facts(
    kit: "Kit", outlet: "KeepingOutlet", llama_url: str
) -> None:
    sidecar = kit.sidecar(llama_url, outlet)
    stream = _ask(f"http://127.0.0.1:{sidecar.port}", {**QUESTION, "stream": True})
    last = json.loads(stream.split(b"\n\n")[-3].removeprefix(b"data: "))
    timings = last["timings"]
    span = outlet.the_span()
    found = span.attributes
    assert found is not None and span.start_time and span.end_time
    assert found["gen_ai.provider.name"] == "llama_cpp"
    assert found["gen_ai.usage.input_tokens"] == timings["prompt_n"] + timings["cache_n"]
    assert found["gen_ai.usage.output_tokens"] == timings["predicted_n"]
    assert found["tachograph.engine.prefill_time"] == timings["prompt_ms"] / 1e3
    assert found["tachograph.engine.decode_time"] == timings["predicted_ms"] / 1e3
    assert found["gen_ai.response.finish_reasons"] == ["length"]
    assert found["gen_ai.request.stream"] is True
    first_s = found["gen_ai.response.time_to_first_chunk"]
    assert isinstance(first_s, float)
    assert timings["prompt_ms"] / 1e3 <= first_s <= (span.end_time - span.start_time) / 1e9
    count = found["tachograph.stream.chunk_count"]
    assert isinstance(count, int) and 5 <= count <= 10
    assert "gen_ai.usage.cost.amount" not in found
    assert "tachograph.proxy.client_wait_time" not in found  # it never had to wait for its client


def test_a_text_completion_has_its_prompt_and_usage(
    kit: "Kit", outlet: "KeepingOutlet", llama_url: str
) -> None:
    sidecar = kit.sidecar(llama_url, outlet)
    _ask(
        f"http://127.0.0.1:{sidecar.port}",
        {"prompt": "The sky is", "max_tokens": 4, "temperature": 0, "stream": True},
        "/v1/completions",
    )
    found = facts_of(outlet)
    assert found["gen_ai.operation.name"] == "text_completion"
    assert found["gen_ai.usage.output_tokens"] == 4
    assert json.loads(str(found["gen_ai.input.messages"]))[0]["parts"][0]["content"] == "The sky is"


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_response_of_the_responses_api_is_recorded(
    kit: "Kit", outlet: "KeepingOutlet", llama_url: str, is_stream: bool
) -> None:
    sidecar = kit.sidecar(llama_url, outlet)
    data = _ask(
        f"http://127.0.0.1:{sidecar.port}",
        {
            "instructions": "Be short.",
            "input": "The sky is",
            "max_output_tokens": 4,
            "temperature": 0,
            "stream": is_stream,
        },
        "/v1/responses",
    )
    said = _said(data)[-1]
    response = said["response"] if is_stream else said
    found = facts_of(outlet)
    assert found["gen_ai.operation.name"] == "chat"
    assert found["gen_ai.request.max_tokens"] == 4
    assert found["gen_ai.response.id"] == response["id"]
    assert found["gen_ai.usage.input_tokens"] == response["usage"]["input_tokens"]
    assert found["gen_ai.usage.output_tokens"] == 4
    assert ("tachograph.stream.chunk_count" in found) is is_stream
    asked = json.loads(str(found["gen_ai.input.messages"]))
    assert [message["role"] for message in asked] == ["system", "user"]
    [answer] = json.loads(str(found["gen_ai.output.messages"]))
    assert answer["parts"][0]["content"] == response["output"][0]["content"][0]["text"]


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_message_of_the_messages_api_is_recorded(
    kit: "Kit", outlet: "KeepingOutlet", llama_url: str, is_stream: bool
) -> None:
    sidecar = kit.sidecar(llama_url, outlet)
    data = _ask(
        f"http://127.0.0.1:{sidecar.port}",
        {
            "system": "Be short.",
            "messages": [{"role": "user", "content": [{"type": "text", "text": "The sky is"}]}],
            "max_tokens": 4,
            "stop_sequences": ["zzz"],
            "temperature": 0,
            "stream": is_stream,
        },
        "/v1/messages",
    )
    said = _said(data)
    begun = said[0]["message"] if is_stream else said[0]
    found = facts_of(outlet)
    assert found["gen_ai.operation.name"] == "chat"
    assert found["gen_ai.response.id"] == begun["id"]
    assert found["gen_ai.response.model"] == begun["model"]
    assert found["gen_ai.request.stop_sequences"] == ["zzz"]
    usage = begun["usage"]
    cached = usage["cache_read_input_tokens"]
    assert found["gen_ai.usage.input_tokens"] == usage["input_tokens"] + cached > 4
    assert found["gen_ai.usage.cache_read.input_tokens"] == cached
    assert found["gen_ai.usage.output_tokens"] == 4
    assert found["gen_ai.response.finish_reasons"] == ["length"]
    assert ("tachograph.stream.chunk_count" in found) is is_stream
    asked = json.loads(str(found["gen_ai.input.messages"]))
    assert [message["role"] for message in asked] == ["system", "user"]
    [answer] = json.loads(str(found["gen_ai.output.messages"]))
    texts = [event["delta"].get("text", "") for event in said if "delta" in event]
    whole = "".join(texts) if is_stream else begun["content"][0]["text"]
    assert answer["parts"][0]["content"] == whole


def test_its_metrics_become_points_under_their_own_names(
    kit: "Kit", outlet: "KeepingOutlet", llama_url: str
) -> None:
    kit.sidecar(llama_url, outlet)

    def names() -> set[str]:
        return {point.name for point in outlet.points}

    kit.wait_until(lambda: "llamacpp:tokens_predicted_total" in names(), "its metrics were scraped")
    kinds = {point.name: point.kind for point in outlet.points}
    assert kinds["llamacpp:tokens_predicted_total"] == "counter"
    assert kinds["llamacpp:requests_processing"] == "gauge"
    assert {p.value for p in outlet.points if p.name == "tachograph.proxy.upstream_up"} == {1}


def test_a_span_says_which_weights_answered(
    kit: "Kit", outlet: "KeepingOutlet", llama_url: str
) -> None:
    sidecar = kit.sidecar(llama_url, outlet)
    url = f"http://127.0.0.1:{sidecar.port}"
    kit.wait_until(
        lambda: any(point.name.startswith("llamacpp:") for point in outlet.points),
        "the engine was looked at",
    )
    _ask(url, {**QUESTION, "model": "any name", "max_tokens": 1})
    found = facts_of(outlet)
    assert str(found["tachograph.engine.weights"]).endswith("SmolLM2-135M-Instruct.Q4_1.gguf")
    assert found["tachograph.engine.quantization"] == "Q4_1"
    assert found["tachograph.engine.version"]


def test_it_is_recognised(llama_url: str) -> None:
    adapter = detect(parse_upstream(llama_url))
    assert adapter is not None and adapter.name == "llama_cpp"


def _unchunk(body: bytes) -> bytes:
    whole = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if int(size, 16) == 0:
            return whole
        whole += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
