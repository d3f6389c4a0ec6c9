"""Real `transformers` code in this process, wrapped: generate, batches, beams, pipelines."""

import json
import math
from typing import Any

import pytest
import torch
from transformers import StoppingCriteria, TextIteratorStreamer, pipeline

import tachograph
from tachograph.testing import ReceivedSpan, Receiver

from .tiny_model import tiny_model, tiny_tokenizer


@pytest.fixture
def tokenizer() -> Any:
    return tiny_tokenizer()


@pytest.fixture
def model() -> Any:
    return tiny_model()


def received(receiver: Receiver, count: int) -> list[ReceivedSpan]:
    assert tachograph.flush(10)
    assert len(receiver.spans) == count
    return receiver.spans


def text_of(span: ReceivedSpan, name: str) -> str:
    (message,) = json.loads(span.attributes[f"gen_ai.{name}.messages"])
    return str(message["parts"][0]["content"])


def test_generate_is_a_span(tachograph_receiver: Receiver, model: Any, tokenizer: Any) -> None:
    wanted = model.generate(**tokenizer("a b c", return_tensors="pt"), max_new_tokens=5)
    assert tachograph.wrap(model, tokenizer=tokenizer) is model
    ids = model.generate(**tokenizer("a b c", return_tensors="pt"), max_new_tokens=5)
    assert torch.equal(ids, wanted)
    (span,) = received(tachograph_receiver, 1)
    facts = dict(span.attributes)
    assert (span.name, span.kind) == ("text_completion tiny-llama", 1)
    assert text_of(span, "input") == "a b c"
    assert text_of(span, "output") == tokenizer.decode(ids[0, 3:], skip_special_tokens=True)
    prefill_s = facts.pop("tachograph.engine.prefill_time")
    decode_s = facts.pop("tachograph.engine.decode_time")
    assert prefill_s > 0 and decode_s > 0
    assert prefill_s + decode_s <= (span.end_time - span.start_time) / 1e9
    assert facts.pop("tachograph.engine.time_to_first_token") == prefill_s
    del facts["gen_ai.input.messages"], facts["gen_ai.output.messages"]
    is_ended = 2 in ids[0, 3:].tolist()
    assert facts == {
        "tachograph.observer": "client",
        "tachograph.content.capture": "full",
        "gen_ai.operation.name": "text_completion",
        "gen_ai.provider.name": "hugging_face",
        "gen_ai.request.model": "tiny-llama",
        "gen_ai.request.max_tokens": 5,
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": ids.shape[1] - 3,
        "gen_ai.response.finish_reasons": ["stop" if is_ended else "length"],
    }


def test_a_batch_is_a_span_for_each_prompt(
    tachograph_receiver: Receiver, model: Any, tokenizer: Any
) -> None:
    tachograph.wrap(model, tokenizer=tokenizer)
    inputs = tokenizer(["a b c d", "z"], return_tensors="pt", padding=True)
    ids = model.generate(
        **inputs, max_new_tokens=4, do_sample=True, temperature=0.7, num_return_sequences=2
    )
    assert ids.shape[0] == 4
    first, second = received(tachograph_receiver, 2)
    assert [span.attributes["gen_ai.usage.input_tokens"] for span in (first, second)] == [4, 1]
    assert text_of(second, "input") == "z"
    for number, span in enumerate((first, second)):
        assert span.attributes["gen_ai.request.choice.count"] == 2
        assert span.attributes["gen_ai.request.temperature"] == 0.7
        assert len(json.loads(span.attributes["gen_ai.output.messages"])) == 2
        rows = ids[2 * number : 2 * number + 2, 4:].tolist()
        made = sum(row.index(2) + 1 if 2 in row else len(row) for row in rows)
        assert span.attributes["gen_ai.usage.output_tokens"] == made


def test_perplexity_is_that_of_the_models_own_probabilities(
    tachograph_receiver: Receiver, model: Any, tokenizer: Any
) -> None:
    tachograph.wrap(model, perplexity=True)
    inputs = tokenizer(["a b c d", "z"], return_tensors="pt", padding=True)
    ids = model.generate(**inputs, max_new_tokens=6, do_sample=True, temperature=3.0, top_k=5)
    spans = received(tachograph_receiver, 2)
    with torch.no_grad():
        mask = torch.cat([inputs["attention_mask"], torch.ones_like(ids[:, 4:])], dim=1)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        logits = model(ids, attention_mask=mask, position_ids=positions).logits
    for row, span in enumerate(spans):
        made = ids[row, 4:].tolist()
        made = made[: made.index(2) + 1] if 2 in made else made
        chosen = logits[row, 3:-1].log_softmax(-1)[range(len(made)), made]
        wanted = math.exp(-float(chosen.mean()))
        assert span.attributes["tachograph.response.perplexity"] == pytest.approx(wanted, rel=1e-3)
    assert not model._forward_hooks  # none stays behind


@pytest.mark.parametrize("settings", [{"num_beams": 3}, {"prompt_lookup_num_tokens": 2}])
def test_other_strategies_are_timed_too(
    tachograph_receiver: Receiver, model: Any, tokenizer: Any, settings: dict[str, Any]
) -> None:
    inputs = tokenizer("a b a b a", return_tensors="pt")
    wanted = model.generate(**inputs, max_new_tokens=6, **settings)
    tachograph.wrap(model)
    assert torch.equal(model.generate(**inputs, max_new_tokens=6, **settings), wanted)
    (span,) = received(tachograph_receiver, 1)
    assert span.attributes["tachograph.engine.prefill_time"] > 0
    assert "gen_ai.output.messages" not in span.attributes  # no tokenizer, no text


class StopsAtOnce(StoppingCriteria):  # type: ignore[misc]
    def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
        return torch.ones(input_ids.shape[0], dtype=torch.bool)


def test_the_applications_own_streamer_and_criteria_still_work(
    tachograph_receiver: Receiver, model: Any, tokenizer: Any
) -> None:
    tachograph.wrap(model)
    streamer = TextIteratorStreamer(tokenizer)
    inputs = tokenizer("a b", return_tensors="pt")
    result = model.generate(
        **inputs,
        max_new_tokens=6,
        streamer=streamer,
        stopping_criteria=[StopsAtOnce()],
        return_dict_in_generate=True,
    )
    assert result.sequences.shape[1] == 3
    assert "".join(streamer).startswith("a b")
    (span,) = received(tachograph_receiver, 1)
    assert span.attributes["gen_ai.usage.output_tokens"] == 1
    assert span.attributes["gen_ai.response.finish_reasons"] == ["stop"]


def test_errors_are_the_models_own(tachograph_receiver: Receiver, model: Any) -> None:
    tachograph.wrap(model)
    with pytest.raises(IndexError):
        model.generate(torch.tensor([[999]]), max_new_tokens=2)
    (span,) = received(tachograph_receiver, 1)
    assert span.attributes["error.type"] == "IndexError"


def test_a_pipeline_knows_what_it_was_asked(
    tachograph_receiver: Receiver, model: Any, tokenizer: Any
) -> None:
    pipe = tachograph.wrap(pipeline("text-generation", model=model, tokenizer=tokenizer))
    plain = pipe("a b", max_new_tokens=3, return_full_text=False)
    chat = pipe([{"role": "user", "content": "c d"}], max_new_tokens=3)
    first, second = received(tachograph_receiver, 2)
    assert first.name == "text_completion tiny-llama"
    assert text_of(first, "input") == "a b"
    assert text_of(first, "output") == plain[0]["generated_text"]
    assert second.name == "chat tiny-llama"
    (asked,) = json.loads(second.attributes["gen_ai.input.messages"])
    assert (asked["role"], asked["parts"][0]["content"]) == ("user", "c d")
    assert text_of(second, "output") == chat[0]["generated_text"][-1]["content"]
    assert second.attributes["gen_ai.usage.input_tokens"] == 6


def test_content_stays_out_where_it_is_not_captured(
    tachograph_receiver: Receiver, model: Any, tokenizer: Any
) -> None:
    pipe = tachograph.wrap(pipeline("text-generation", model=model, tokenizer=tokenizer))
    with tachograph.context(capture="metadata", tenant="acme"):
        pipe("a b", max_new_tokens=2)
    (span,) = received(tachograph_receiver, 1)
    assert not [name for name in span.attributes if name.endswith("messages")]
    assert span.attributes["tachograph.tenant"] == "acme"
    assert span.attributes["gen_ai.usage.input_tokens"] == 2
