"""What one request leaves behind: headers on both sides, and one span."""

import gzip
import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind

from tachograph_sidecar.gpu.replay import Recording, ReplaySource

if TYPE_CHECKING:
    from tests.integration.sidecar.conftest import EngineConnection, KeepingOutlet, Kit, Script

CHAT = json.dumps(
    {
        "model": "asked",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Héllo"}]},
        ],
        "temperature": 0.5,
        "max_tokens": 7,
        "seed": 3,
        "stop": ["END"],
        "response_format": {"type": "json_object"},
    }
).encode()
ANSWER = json.dumps(
    {
        "id": "chatcmpl-7",
        "model": "answered",
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "content": "Hi",
                    "tool_calls": [
                        {"id": "c1", "function": {"name": "look", "arguments": '{"at": 1}'}}
                    ],
                },
            }
        ],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 8},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
    }
).encode()
RECORDING = Path(__file__).parents[2] / "fixtures" / "nvml" / "h100.jsonl"
SECRETS = (b"sk-very-secret", b"cookie-secret", b"query-secret")


def _answering(answer: bytes, extra: bytes = b"") -> "Script":
    def script(connection: "EngineConnection") -> None:
        while connection.read_request() is not None:
            connection.send(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n"
                % (extra, len(answer))
            )
            connection.send(answer)

    return script


def _post(body: bytes = CHAT, headers: bytes = b"", path: bytes = b"/v1/chat/completions") -> bytes:
    return b"POST %b HTTP/1.1\r\n%bContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (
        path,
        headers,
        len(body),
        body,
    )


def _attributes(span: ReadableSpan) -> Mapping[str, object]:
    assert span.attributes is not None
    return span.attributes


def test_a_chat_request_makes_one_whole_span(kit: "Kit", outlet: "KeepingOutlet") -> None:
    client = kit.client(kit.sidecar(kit.engine(_answering(ANSWER)).url, outlet).port)
    client.send(_post())
    assert client.read_to_end().endswith(ANSWER)
    span = outlet.the_span()
    assert span.name == "chat asked"
    assert span.kind is SpanKind.CLIENT
    assert span.start_time and span.end_time and span.end_time > span.start_time
    found = dict(_attributes(span))
    assert json.loads(str(found.pop("gen_ai.input.messages"))) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Héllo"}]},
    ]
    assert json.loads(str(found.pop("gen_ai.output.messages"))) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "text", "content": "Hi"},
                {"type": "tool_call", "id": "c1", "name": "look", "arguments": '{"at": 1}'},
            ],
            "finish_reason": "tool_calls",
        }
    ]
    assert len(str(found.pop("tachograph.request.id"))) == 32
    engine_s = found.pop("tachograph.usage.engine_seconds")
    assert isinstance(engine_s, float)
    assert 0 < engine_s <= (span.end_time - span.start_time) / 1e9
    assert found.pop("server.port")
    assert found == {
        "tachograph.observer": "proxy",
        "tachograph.content.capture": "full",
        "tachograph.usage.attribution_method": "equal_share",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai_compatible",
        "gen_ai.request.model": "asked",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 7,
        "gen_ai.request.seed": 3,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.output.type": "json",
        "gen_ai.response.id": "chatcmpl-7",
        "gen_ai.response.model": "answered",
        "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.usage.input_tokens": 20,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 8,
        "gen_ai.usage.reasoning.output_tokens": 2,
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
    }


def test_the_trace_and_the_request_id_go_on_and_own_headers_stop_here(
    kit: "Kit", outlet: "KeepingOutlet"
) -> None:
    engine = kit.engine(_answering(ANSWER))
    client = kit.client(kit.sidecar(engine.url, outlet).port)
    client.send(
        _post(
            headers=b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
            b"tracestate: a=b\r\nX-Request-Id: req-1\r\nX-Tachograph-User: \xc3\xbcser\r\n"
            b"X-Tachograph-Session: s%C3%A91\r\nX-Tachograph-Variant: v1\r\nX-Tachograph-Tenant: t\r\n"
            b"Connection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\n"
            b"Authorization: Bearer sk-very-secret\r\n"
        )
    )
    head = client.read_to_end().partition(b"\r\n\r\n")[0]
    assert b"x-request-id: req-1" in head and b"x-tachograph-counted-by: proxy" in head
    span = outlet.the_span()
    assert span.context is not None and span.parent is not None
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert f"{span.parent.span_id:016x}" == "b7ad6b7169203331"
    sent = engine.requests[0][0].lower()
    assert f"traceparent: 00-0af7651916cd43dd8448eb211c80319c-{span.context.span_id:016x}-01" in (
        sent.decode("latin-1")
    )
    assert b"tracestate: a=b" in sent and b"x-request-id: req-1" in sent
    assert b"authorization: bearer sk-very-secret" in sent
    for gone in (b"x-tachograph", b"x-private", b"keep-alive", b"\r\nte:"):
        assert gone not in sent
    found = _attributes(span)
    assert found["user.id"] == "üser"
    assert found["session.id"] == "sé1"
    assert found["tachograph.variant"] == "v1"
    assert found["tachograph.request.id"] == "req-1"
    assert "tachograph.tenant" not in found  # the header is not believed


def test_secrets_are_nowhere_in_a_span(kit: "Kit", outlet: "KeepingOutlet") -> None:
    client = kit.client(kit.sidecar(kit.engine(_answering(ANSWER)).url, outlet).port)
    client.send(
        _post(
            headers=b"Authorization: Bearer sk-very-secret\r\nCookie: a=cookie-secret\r\n",
            path=b"/v1/chat/completions?key=query-secret",
        )
    )
    client.read_to_end()
    text = outlet.the_span().to_json().encode()
    assert not any(secret in text for secret in SECRETS)


@pytest.mark.parametrize(
    ("mode", "header"),
    [
        ("metadata", b""),
        ("full", b"off"),
        ("off", b""),
        ("metadata", b"full"),
        ("full", b"Metadata"),
    ],
)
def test_capture_can_only_be_lowered(
    kit: "Kit", outlet: "KeepingOutlet", mode: str, header: bytes
) -> None:
    engine = kit.engine(_answering(ANSWER))
    client = kit.client(kit.sidecar(engine.url, outlet, capture=mode).port)
    extra = b"X-Tachograph-Content-Capture: " + header + b"\r\n" if header else b""
    client.send(_post(headers=extra + b"X-Tachograph-User: someone\r\n"))
    client.read_to_end()
    span = outlet.the_span()
    text = span.to_json()
    assert "Be brief" not in text and "Hi" not in text and "END" not in text
    is_off = mode == "off" or header == b"off"
    found = _attributes(span)
    assert ("user.id" in found) is not is_off
    assert found["tachograph.content.capture"] == ("off" if is_off else "metadata")
    assert found["gen_ai.usage.input_tokens"] == 20


def test_tenants_come_from_the_callers_key(
    kit: "Kit", outlet: "KeepingOutlet", tmp_path: Path
) -> None:
    file = tmp_path / "tenants.toml"
    digest = hashlib.sha256(b"sk-acme").hexdigest()
    file.write_text(f'[acme]\nkey_sha256 = ["{digest}"]\n')
    engine = kit.engine(_answering(ANSWER))
    sidecar = kit.sidecar(engine.url, outlet, tenants_file=str(file), trust_tenant_header="on")
    for number, headers in enumerate(
        (
            b"Authorization: Bearer sk-acme\r\nX-Tachograph-Tenant: other\r\n",
            b"Authorization: Bearer sk-unknown\r\nX-Tachograph-Tenant: other\r\n",
            b"Api-Key: sk-acme\r\n",
            b"",
        )
    ):
        client = kit.client(sidecar.port)
        client.send(_post(headers=headers))
        client.read_to_end()
        outlet.wait_for_spans(number + 1)
    seen = [
        (_attributes(s).get("tachograph.tenant"), _attributes(s).get("tachograph.tenant.source"))
        for s in outlet.spans
    ]
    assert seen == [("acme", "key"), ("other", "header"), ("acme", "key"), (None, None)]


def test_a_prompt_of_10_mb_leaves_a_marked_span(kit: "Kit", outlet: "KeepingOutlet") -> None:
    engine = kit.engine(_answering(ANSWER))
    client = kit.client(kit.sidecar(engine.url, outlet).port)
    prompt = "long " * 2_000_000
    body = json.dumps(
        {"messages": [{"role": "user", "content": prompt}], "model": "asked"}
    ).encode()
    client.send(_post(body))
    assert client.read_to_end().endswith(ANSWER)
    assert engine.requests[0][1] == body
    found = _attributes(outlet.the_span())
    assert found["tachograph.truncated"] == ["gen_ai.input.messages"]
    assert len(str(found["gen_ai.input.messages"])) < 300_000
    assert found["gen_ai.request.model"] == "asked"


def test_a_compressed_answer_is_read_and_passed_as_it_is(
    kit: "Kit", outlet: "KeepingOutlet"
) -> None:
    packed = gzip.compress(ANSWER)
    engine = kit.engine(_answering(packed, b"content-encoding: gzip\r\n"))
    client = kit.client(kit.sidecar(engine.url, outlet).port)
    client.send(_post())
    assert client.read_to_end().endswith(packed)
    assert _attributes(outlet.the_span())["gen_ai.usage.output_tokens"] == 5


def test_embeddings_and_completions_have_spans_and_other_routes_have_none(
    kit: "Kit", outlet: "KeepingOutlet"
) -> None:
    answer = b'{"object": "list", "data": [], "model": "e", "usage": {"prompt_tokens": 4}}'
    sidecar = kit.sidecar(kit.engine(_answering(answer)).url, outlet)
    for path, is_recorded in (
        (b"/v1/models", False),
        (b"/tokenize", False),
        (b"/v1/embeddings", True),
        (b"/v1/completions", True),
    ):
        client = kit.client(sidecar.port)
        client.send(_post(b'{"input": "x", "model": "e"}', path=path))
        assert (b"counted-by" in client.read_to_end()) is is_recorded
    spans = outlet.wait_for_spans(2)
    assert [s.name for s in spans] == ["embeddings e", "text_completion e"]


def test_an_engines_error_is_the_spans_error(kit: "Kit", outlet: "KeepingOutlet") -> None:
    body = b'{"error": {"type": "invalid_request_error", "message": "secret text"}}'

    def script(connection: "EngineConnection") -> None:
        connection.read_request()
        connection.send(
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
        )

    client = kit.client(kit.sidecar(kit.engine(script).url, outlet).port)
    client.send(_post())
    assert client.read_to_end().endswith(body)
    span = outlet.the_span()
    assert _attributes(span)["error.type"] == "invalid_request_error"
    assert _attributes(span)["http.response.status_code"] == 400
    assert not span.status.is_ok


def test_text_that_utf_8_cannot_carry_does_not_lose_the_span(
    kit: "Kit", outlet: "KeepingOutlet"
) -> None:
    answer = b'{"model": "m\\ud800", "id": "\\udfff", "choices": []}'
    client = kit.client(kit.sidecar(kit.engine(_answering(answer)).url, outlet).port)
    client.send(
        _post(b'{"model": "q\\ud800", "messages": [{"role": "user", "content": "\\ud800"}]}')
    )
    client.read_to_end()
    span = outlet.the_span()
    span.name.encode()
    for value in _attributes(span).values():
        str(value).encode()


def test_of_two_sidecars_in_a_row_the_one_at_the_engine_counts(
    kit: "Kit", outlet: "KeepingOutlet"
) -> None:
    inner = kit.sidecar(kit.engine(_answering(ANSWER)).url, outlet)
    outer = kit.sidecar(f"http://127.0.0.1:{inner.port}", outlet)
    client = kit.client(outer.port)
    client.send(_post())
    head = client.read_to_end().partition(b"\r\n\r\n")[0].lower()
    assert head.count(b"x-tachograph-counted-by") == head.count(b"x-request-id") == 1
    spans = outlet.wait_for_spans(2)
    counted = {s.parent is None: _attributes(s).get("tachograph.counted", True) for s in spans}
    assert counted == {True: False, False: True}  # the outer span begins the trace


def test_with_a_gpu_a_span_has_its_seconds_and_joules(kit: "Kit", outlet: "KeepingOutlet") -> None:
    started_ns = time.perf_counter_ns()
    source = ReplaySource(
        Recording(RECORDING), clock=lambda: time.perf_counter_ns() - started_ns + 10**9
    )
    sidecar = kit.sidecar(kit.engine(_answering(ANSWER)).url, outlet, gpus=source)
    kit.wait_until(lambda: any(p.name == "hw.energy" for p in outlet.points), "energy was read")

    def ask() -> Mapping[str, object]:
        client = kit.client(sidecar.port)
        client.send(_post())
        client.read_to_end()
        return _attributes(outlet.spans[-1]) if outlet.spans else {}

    kit.wait_until(lambda: "tachograph.usage.energy" in ask(), "a span has energy")
    found = next(
        _attributes(s) for s in outlet.spans if "tachograph.usage.energy" in _attributes(s)
    )
    assert found["tachograph.usage.attribution_method"] == "work_roofline"
    for name in ("engine_seconds", "gpu_seconds", "energy"):
        value = found[f"tachograph.usage.{name}"]
        assert isinstance(value, float) and value > 0
    error_j = found["tachograph.usage.energy_error"]
    assert isinstance(error_j, float) and error_j >= 0

    def accounts() -> dict[object, float]:
        return {
            point.attributes.get("account"): point.value
            for point in outlet.points
            if point.name.startswith("tachograph.proxy.energy.")
        }

    kit.wait_until(lambda: len(accounts()) == 4, "the accounts were told")
    told = accounts()
    booked_j = sum(joules for account, joules in told.items() if account is not None)
    assert told[None] == pytest.approx(booked_j)


def test_with_the_models_config_a_span_says_what_its_context_held(
    kit: "Kit", outlet: "KeepingOutlet", tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(
        '{"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 64, "dtype": "float16"}'
    )
    engine = kit.engine(_answering(ANSWER))
    client = kit.client(kit.sidecar(engine.url, outlet, model_config=str(config)).port)
    client.send(_post())
    client.read_to_end()
    found = _attributes(outlet.the_span())
    assert found["tachograph.usage.kv_cache_bytes"] == 25 * 2 * 2 * 64 * 2
