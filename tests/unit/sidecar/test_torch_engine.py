"""The benchmark's own engine, tiny and on the CPU: its cache is right, its batches keep their own."""

import threading

import pytest
import torch
from tests.benchmarks.ledger.client import Spec, StreamClient
from tests.benchmarks.ledger.torch_engine import Server, TorchEngine
from tests.benchmarks.ledger.torch_model import Shape, SlotModel

TINY = Shape(layers=2, width=32, heads=4, kv_heads=2, hidden=48, vocabulary=101)


def model() -> SlotModel:
    return SlotModel(TINY, slots=3, context=64, device="cpu", dtype=torch.float32)


def greedy(one: SlotModel, prompt: torch.Tensor, count: int) -> list[int]:
    """Tokens made by computing the whole text anew for each: no cache to be wrong."""
    text = prompt
    for _ in range(count):
        text = torch.cat((text, one.prefill(2, text)))
    return [int(token) for token in text[len(prompt) :]]


def test_steps_over_the_cache_give_what_the_whole_text_gives() -> None:
    one = model()
    prompts = [torch.randint(101, (5,)), torch.randint(101, (11,))]
    expected = [greedy(one, prompt, 6) for prompt in prompts]
    last = torch.cat([one.prefill(slot, prompt) for slot, prompt in enumerate(prompts)])
    made = [last.tolist()]
    for step in range(5):
        positions = torch.tensor([5 + step, 11 + step])
        last = one.decode(last, positions)
        made.append(last.tolist())
    assert [list(tokens) for tokens in zip(*made, strict=True)] == expected


def test_a_moved_slot_goes_on_as_it_was() -> None:
    one = model()
    prompt = torch.randint(101, (7,))
    expected = greedy(one, prompt, 3)
    last = one.prefill(1, prompt)
    made = last.tolist()
    one.move(1, 0, 7)
    for step in range(2):
        last = one.decode(last, torch.tensor([7 + step]))
        made += last.tolist()
    assert made == expected


def test_more_requests_than_slots_are_all_answered() -> None:
    engine = TorchEngine(model(), slots=3)
    server = Server(0, engine)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        client = StreamClient(f"http://127.0.0.1:{server.server_address[1]}", "m", seed=1)
        specs = [Spec(2 * (3 + n), 4 + 2 * n) for n in range(6)]  # a word is one token here
        records = client.send_together(specs, 0)
        assert [(one.input_tokens, one.output_tokens) for one in records] == [
            (3 + n, 4 + 2 * n) for n in range(6)
        ]
        assert all(len(one.events_ns) == one.output_tokens for one in records)
        assert all(one.begin_ns < one.events_ns[0] <= one.end_ns for one in records)
        with pytest.raises(SystemExit, match="the context has 64 tokens"):
            client.send_together([Spec(200, 10)], 0)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        engine.stop()
