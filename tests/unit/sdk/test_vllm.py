"""vLLM's offline `LLM`, wrapped. vLLM itself takes gigabytes: `make beside` runs it; these objects
have the names, fields and defaults of its own source (outputs.py, sampling_params.py,
v1/metrics/stats.py, and sequence.py of release 0.8), and its `chat` calls its `generate` as there."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

import tachograph
from tachograph.testing import ReceivedSpan, Receiver, recording


@dataclass
class SamplingParams:
    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int | None = 16
    seed: int | None = None
    stop: list[str] = field(default_factory=list)
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: Sequence[int]
    cumulative_logprob: float | None
    finish_reason: str | None = "length"


@dataclass
class RequestStateStats:
    """The V1 engine's: arrival on the wall clock, the others on the engine's monotonic one."""

    num_generation_tokens: int = 3
    arrival_time: float = 1_795_000_000.0
    queued_ts: float = 100.0
    scheduled_ts: float = 100.25
    first_token_ts: float = 100.75
    last_token_ts: float = 102.75
    first_token_latency: float = 0.75


@dataclass
class EarlyRequestStateStats:
    """The V1 engine's in its first releases."""

    num_generation_tokens: int = 3
    arrival_time: float = 100.0
    first_scheduled_time: float = 100.25
    first_token_time: float = 100.75
    last_token_time: float = 102.75


@dataclass
class RequestMetrics:
    """The V0 engine's."""

    arrival_time: float = 100.0
    last_token_time: float = 102.5
    first_scheduled_time: float | None = 100.25
    first_token_time: float | None = 100.75
    time_in_queue: float | None = 0.25
    finished_time: float | None = 102.75


@dataclass
class RequestOutput:
    request_id: str
    prompt: str | None
    prompt_token_ids: list[int] | None
    outputs: list[CompletionOutput]
    metrics: object = None
    num_cached_tokens: int | None = None


@dataclass
class PoolingRequestOutput:
    request_id: str
    outputs: object
    prompt_token_ids: list[int]


@dataclass
class ModelConfig:
    model: str = "/models/llama-3-8b"
    served_model_name: str | None = None


class LLMEngine:
    model_config = ModelConfig()


class LLM:
    def __init__(self, metrics: object = None, log_probability: float | None = None) -> None:
        self.llm_engine = LLMEngine()
        self._metrics = metrics
        self._log_probability = log_probability

    def get_default_sampling_params(self) -> SamplingParams:
        return SamplingParams()

    def generate(
        self,
        prompts: Any,
        sampling_params: SamplingParams | Sequence[SamplingParams] | None = None,
        *,
        use_tqdm: bool = True,
    ) -> list[RequestOutput]:
        one = not isinstance(prompts, list) or isinstance(prompts[0], int)
        asked = [prompts] if one else prompts
        if "fail" in asked:
            raise ValueError("the prompt is too long")
        return [
            RequestOutput(
                str(number),
                prompt if isinstance(prompt, str) else None,
                [1, 2, 3, 4],
                [CompletionOutput(0, f"answer {number}", (5, 6, 7), self._log_probability)],
                self._metrics,
                num_cached_tokens=2,
            )
            for number, prompt in enumerate(asked)
        ]

    def chat(
        self, messages: Any, sampling_params: SamplingParams | None = None
    ) -> list[RequestOutput]:
        batch = messages if isinstance(messages[0], list) else [messages]
        return self.generate(["rendered"] * len(batch), sampling_params)

    def embed(self, prompts: Any) -> list[PoolingRequestOutput]:
        return [PoolingRequestOutput("0", None, [1, 2])]


LLM.__module__ = "vllm.entrypoints.llm"


def spans_of(receiver: Receiver) -> list[ReceivedSpan]:
    assert tachograph.flush(10)
    return receiver.spans


def test_each_request_of_a_batch_is_a_span() -> None:
    with recording() as receiver:
        llm = tachograph.wrap(LLM())
        asked = SamplingParams(temperature=0.5, top_k=-1, max_tokens=3, stop=["."])
        outputs = llm.generate(["first?", {"prompt": "second?"}, {"prompt_token_ids": [1]}], asked)
        assert len(outputs) == 3
        spans = spans_of(receiver)
    assert [span.name for span in spans] == ["text_completion llama-3-8b"] * 3
    facts = dict(spans[0].attributes)
    assert "first?" in facts.pop("gen_ai.input.messages")
    assert "second?" in spans[1].attributes["gen_ai.input.messages"]
    assert "gen_ai.input.messages" not in spans[2].attributes  # only its tokens are known
    assert "answer 0" in facts.pop("gen_ai.output.messages")
    assert facts == {
        "tachograph.observer": "client",
        "tachograph.content.capture": "full",
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "vllm",
        "gen_ai.request.model": "llama-3-8b",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 1.0,
        "gen_ai.request.max_tokens": 3,
        "gen_ai.request.choice.count": 1,
        "gen_ai.request.presence_penalty": 0.0,
        "gen_ai.request.frequency_penalty": 0.0,
        "gen_ai.request.stop_sequences": ["."],
        "gen_ai.response.id": "0",
        "gen_ai.response.finish_reasons": ["length"],
        "gen_ai.usage.input_tokens": 4,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 2,
    }


@pytest.mark.parametrize("metrics", [RequestStateStats, EarlyRequestStateStats, RequestMetrics])
def test_the_engines_own_times_by_their_old_and_new_names(metrics: type) -> None:
    with recording() as receiver:
        tachograph.wrap(LLM(metrics())).generate("?")
        (span,) = spans_of(receiver)
    assert span.attributes["tachograph.engine.queue_time"] == 0.25
    assert span.attributes["tachograph.engine.prefill_time"] == 0.5
    assert span.attributes["tachograph.engine.time_to_first_token"] == 0.5
    assert span.attributes["tachograph.engine.decode_time"] == 2.0
    assert (span.end_time - span.start_time) / 1e9 == pytest.approx(2.75, abs=0.5)


def test_times_that_are_not_set_are_absent() -> None:
    with recording() as receiver:
        unset = RequestStateStats(queued_ts=0.0, scheduled_ts=0.0, first_token_ts=0.0)
        tachograph.wrap(LLM(unset)).generate("?")
        (span,) = spans_of(receiver)
    assert not [name for name in span.attributes if name.startswith("tachograph.engine.")]


def test_perplexity_where_log_probabilities_were_asked_for() -> None:
    with recording() as receiver:
        tachograph.wrap(LLM(log_probability=-3.0)).generate("?")
        (span,) = spans_of(receiver)
    assert span.attributes["tachograph.response.perplexity"] == pytest.approx(math.e)


def test_a_chat_is_recorded_once_and_as_it_was_asked() -> None:
    with recording() as receiver:
        llm = tachograph.wrap(tachograph.wrap(LLM()))
        llm.chat([{"role": "user", "content": "one?"}])
        llm.chat([[{"role": "user", "content": "two?"}], [{"role": "user", "content": "three?"}]])
        spans = spans_of(receiver)
    assert [span.name for span in spans] == ["chat llama-3-8b"] * 3
    for span, text in zip(spans, ("one?", "two?", "three?"), strict=True):
        assert text in span.attributes["gen_ai.input.messages"]


def test_embeddings_and_errors() -> None:
    with recording() as receiver:
        llm = tachograph.wrap(LLM())
        llm.embed(["x"])
        with pytest.raises(ValueError, match="too long"):
            llm.generate(["fine", "fail"])
        embedding, *failed = spans_of(receiver)
    assert embedding.name == "embeddings llama-3-8b"
    assert embedding.attributes["gen_ai.usage.input_tokens"] == 2
    assert [span.attributes["error.type"] for span in failed] == ["ValueError"] * 2
