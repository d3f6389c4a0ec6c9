"""What leaves the process under each setting. Every test looks at the bytes of whole spans."""

import json

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

import tachograph
import tachograph_detectors
from tachograph._internal.building import MASK_FAILED
from tachograph._internal.errors import raise_in_tests
from tachograph.testing import recording

from .openai_server import openai_server

SECRET = "the launch code is 0000"


def everything(secret: str) -> None:
    """Put a secret everywhere that content can be put, and fail with it."""

    @tachograph.observe
    def function(argument: str) -> str:
        return argument

    function(secret)
    with tachograph.retrieval(secret) as r:
        r.documents = [secret]
    with tachograph.generation(model="m", parameters={"stop": [secret]}) as g:
        g.messages = secret
        g.completion = secret
        g.context(secret)
    with pytest.raises(ValueError), tachograph.span("failing") as s:
        s.set_input(secret)
        raise ValueError(secret)


@pytest.mark.parametrize("capture", ["off", "metadata"])
def test_no_content_leaves_unless_full(capture: str) -> None:
    with recording(capture=capture) as receiver, openai_server() as engine:
        client = tachograph.wrap(openai.OpenAI(base_url=engine.url, api_key="k", max_retries=0))
        everything(SECRET)
        messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": SECRET}]
        client.chat.completions.create(model="m", messages=messages)
        for _ in client.chat.completions.create(model="m", messages=messages, stream=True):
            pass
        engine.status = 400
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model="m", messages=messages)
        assert tachograph.flush(10)
        assert len(receiver.spans) == 7
        text = repr(receiver.spans)
    assert SECRET not in text
    assert "blue" not in text  # the engine's answer
    assert "secret prompt" not in text  # the engine's error message
    assert "error.type" in text
    assert "gen_ai.usage.input_tokens" in text


def test_off_hides_people_and_own_attributes_too() -> None:
    with recording(capture="off") as receiver:
        who = tachograph.context(user="ada", session="s-1", tenant="acme")
        with who, tachograph.span("s") as s:
            s.set("own", "value")
            tachograph.score("thumbs", 1)
        assert tachograph.flush(10)
    (span,) = receiver.spans
    assert "user.id" not in span.attributes
    assert "session.id" not in span.attributes
    assert "own" not in span.attributes
    assert span.attributes["tachograph.tenant"] == "acme"
    assert "user.id" not in receiver.events[0].attributes


def test_a_call_can_lower_capture_but_not_raise_it() -> None:
    with recording(capture="metadata") as receiver:
        with tachograph.generation(model="m", capture="full") as g:
            g.messages = SECRET
        assert tachograph.flush(10)
        assert SECRET not in repr(receiver.spans)
    with recording(capture="full") as receiver:
        with tachograph.context(capture="off"), tachograph.generation(model="m") as g:
            g.messages = SECRET
        with tachograph.generation(model="m", capture="metadata") as g:
            g.messages = SECRET
        assert tachograph.flush(10)
        assert SECRET not in repr(receiver.spans)
        assert [s.attributes["tachograph.content.capture"] for s in receiver.spans] == [
            "off",
            "metadata",
        ]


def test_the_mask_sees_every_text() -> None:
    with recording(mask=tachograph_detectors.mask) as receiver:
        everything("write to ada@example.org")
        with tachograph.span("s") as s:
            s.set("own", "ada@example.org")
            s.set("nested", {"type": "ada@example.org"})  # type: ignore[arg-type]
            tachograph.score("thumbs", 1, comment="said ada@example.org")
        assert tachograph.flush(10)
    text = repr(receiver.spans) + repr(receiver.events)
    assert "ada@" not in text
    assert text.count("[email]") >= 12


def test_what_a_broken_mask_should_have_masked_is_withheld() -> None:
    def broken(text: str) -> str:
        raise RuntimeError(text)

    with recording(mask=broken) as receiver:
        raise_in_tests(False)
        with tachograph.generation(model="m") as g:
            g.messages = SECRET
        assert tachograph.flush(10)
    (span,) = receiver.spans
    assert SECRET not in repr(span)
    (message,) = json.loads(span.attributes["gen_ai.input.messages"])
    assert message["parts"][0]["content"] == MASK_FAILED


def test_internal_errors_are_logged_without_content(caplog: pytest.LogCaptureFixture) -> None:
    def broken(text: str) -> str:
        raise RuntimeError(text)

    with recording(mask=broken):
        raise_in_tests(False)
        with tachograph.generation(model="m") as g:
            g.messages = SECRET
    assert "RuntimeError while masking a text" in caplog.text
    assert SECRET not in caplog.text


def test_the_key_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with recording(api_key="tg_very_secret_key_0001") as receiver:
        receiver.stop()
        with tachograph.span("s"):
            pass
        tachograph.flush(0.3)
        receiver.start()
        assert tachograph.flush(20)
    assert "takes telemetry" in caplog.text or "does not take telemetry" in caplog.text
    assert "very_secret" not in caplog.text
