"""Steps that an engine tells: read, received, and turned into where prompts were computed."""

import asyncio
import json
import socket
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph._internal.engines.step_sender import StepSender
from tachograph_sidecar.engines.step_receiver import StepReceiver
from tachograph_sidecar.engines.step_shares import prompts_in
from tachograph_sidecar.engines.steps import EngineStep, StepTimeline, read_step

MS = 1_000_000
_SAID: dict[str, Any] = {
    "engine": 0,
    "number": 3,
    "at_ns": 1_000 * MS,
    "elapsed_ns": 20 * MS,
    "prefill_tokens": 512,
    "generated_tokens": 4,
    "running": 5,
    "waiting": 2,
    "kv_cache_ratio": 0.5,
    "preemptions": 1,
    "is_exact": True,
    "dropped": 0,
}
_DEADLINE_S = 120.0


def step(at_ms: int, prefill: int, *, exact: bool = True, **more: Any) -> EngineStep:
    said = {**_SAID, "at_ns": at_ms * MS, "prefill_tokens": prefill, "is_exact": exact, **more}
    found = read_step(json.dumps(said).encode())
    assert found is not None
    return found


def timeline(*steps: EngineStep) -> StepTimeline:
    found = StepTimeline()
    for one in steps:
        found.step(one)
    return found


def prompt_in(
    steps: StepTimeline, start_ms: int, stop_ms: int, sent_ms: int, first_ms: int, tokens: float
) -> float | None:
    return steps.prompt_in(
        start_ms * MS, stop_ms * MS, sent_ns=sent_ms * MS, first_ns=first_ms * MS, tokens=tokens
    )


def test_a_message_is_read() -> None:
    found = read_step(json.dumps(_SAID).encode())
    assert found == EngineStep(**_SAID)


@pytest.mark.parametrize(
    "change",
    [{"number": -1}, {"at_ns": 1.5}, {"at_ns": 0}, {"prefill_tokens": "9"}, {"engine": True},
     {"dropped": None}, {"generated_tokens": 2**40}, {"more": "x" * 2_000}],
)  # fmt: skip
def test_what_is_no_step_is_none(change: dict[str, object]) -> None:
    assert read_step(json.dumps({**_SAID, **change}).encode()) is None


def test_what_an_engine_does_not_say_is_none() -> None:
    unsaid = {name: None for name in ("elapsed_ns", "running", "waiting", "kv_cache_ratio")}
    found = read_step(json.dumps({**_SAID, **unsaid}).encode())
    assert found is not None
    assert (found.elapsed_ns, found.running, found.kv_cache_ratio) == (None, None, None)


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    assert read_step(data) is None


def test_a_prompt_lies_in_the_last_steps_before_its_first_token() -> None:
    # a neighbour's 1,000 tokens, then 1,200 of our own in three steps, the last shared with another
    steps = timeline(
        step(100, 500), step(200, 500), step(300, 500, elapsed_ns=100 * MS),
        step(400, 500, elapsed_ns=100 * MS), step(500, 500, elapsed_ns=100 * MS), step(520, 0),
    )  # fmt: skip
    asked: dict[str, Any] = {"sent_ms": 90, "first_ms": 501, "tokens": 1_200}
    assert prompt_in(steps, 0, 200, **asked) == 0  # the queue cost nothing of its own
    assert prompt_in(steps, 200, 300, **asked) == pytest.approx(200)
    assert prompt_in(steps, 300, 400, **asked) == pytest.approx(500)
    assert prompt_in(steps, 450, 500, **asked) == pytest.approx(250)
    assert prompt_in(steps, 0, 600, **asked) == pytest.approx(1_200)


def test_steps_that_lack_some_of_a_prompt_are_taken_for_the_whole() -> None:
    steps = timeline(step(200, 100), step(300, 100))  # more were lost on the way
    asked: dict[str, Any] = {"sent_ms": 90, "first_ms": 301, "tokens": 400}
    assert prompt_in(steps, 0, 250, **asked) == pytest.approx(200)
    assert prompt_in(steps, 250, 400, **asked) == pytest.approx(200)


def test_where_nothing_is_told_nothing_is_said() -> None:
    asked: dict[str, Any] = {"sent_ms": 90, "first_ms": 301, "tokens": 400}
    assert prompt_in(StepTimeline(), 0, 500, **asked) is None
    assert prompt_in(timeline(step(200, 0)), 0, 500, **asked) is None
    several = timeline(step(200, 100), step(210, 100, engine=1))
    assert prompt_in(several, 0, 500, **asked) is None
    assert several.all_in(190 * MS, 210 * MS) is None
    assert timeline(step(200, 100)).all_in(0, 500 * MS) is None  # what was before is not known


def test_all_prompts_of_a_time() -> None:
    steps = timeline(step(100, 10), step(200, 400, elapsed_ns=100 * MS), step(300, 30))
    assert steps.all_in(150 * MS, 300 * MS) == pytest.approx(230)


def test_a_prompt_that_is_told_at_its_end_is_spread_over_its_pieces() -> None:
    """Without iteration details: two requests run, one of them gets tokens, the other computes."""
    told: dict[str, Any] = {"exact": False, "elapsed_ns": None, "running": 2}
    steps = timeline(
        step(100, 0, generated_tokens=2, **told),
        step(200, 0, generated_tokens=1, **told),
        step(300, 0, generated_tokens=1, **told),
        step(400, 900, generated_tokens=2, **told),
        step(500, 0, generated_tokens=2, **told),
    )
    asked: dict[str, Any] = {"sent_ms": 90, "first_ms": 401, "tokens": 900}
    assert prompt_in(steps, 0, 100, **asked) == 0
    for start_ms in (100, 200, 300):
        assert prompt_in(steps, start_ms, start_ms + 100, **asked) == pytest.approx(300)


def test_an_idle_engine_computes_nothing() -> None:
    steps = timeline(
        step(100, 10, exact=False, elapsed_ns=None), step(9_000, 400, exact=False, elapsed_ns=None)
    )
    asked: dict[str, Any] = {"sent_ms": 8_960, "first_ms": 9_001, "tokens": 400}
    assert prompt_in(steps, 8_960, 8_980, **asked) == pytest.approx(200)
    assert steps.all_in(200 * MS, 8_000 * MS) == 0


def test_another_process_of_an_exact_engine_adds_nothing() -> None:
    steps = timeline(step(100, 400), step(101, 400, exact=False, elapsed_ns=None))
    asked: dict[str, Any] = {"sent_ms": 10, "first_ms": 102, "tokens": 800}
    assert prompt_in(steps, 0, 100, **asked) == pytest.approx(800)
    assert steps.all_in(99 * MS, 200 * MS) == pytest.approx(20)


_some = st.builds(
    step,
    st.integers(1, 2_000),
    st.integers(0, 3_000),
    exact=st.booleans(),
    elapsed_ns=st.none() | st.integers(1, 500 * MS),
    running=st.none() | st.integers(0, 4),
    generated_tokens=st.integers(0, 4),
)


@given(
    st.lists(_some, max_size=30), st.integers(0, 1_000), st.integers(0, 1_000), st.floats(1, 5_000)
)
def test_the_pieces_of_a_prompt_are_the_prompt(
    steps: list[EngineStep], sent_ms: int, later_ms: int, tokens: float
) -> None:
    found = timeline(*steps)
    asked: dict[str, Any] = {"sent_ms": sent_ms, "first_ms": sent_ms + later_ms, "tokens": tokens}
    whole = prompt_in(found, 0, 5_000, **asked)
    cuts = [prompt_in(found, at, at + 100, **asked) for at in range(0, 5_000, 100)]
    if whole is None:
        assert set(cuts) == {None}
    else:
        assert sum(cut or 0.0 for cut in cuts) == pytest.approx(tokens)


@dataclass
class _Prompt:
    sent_ns: int
    first_ns: int | None
    prompt_tokens: float
    prefilled: float = 0.0


def test_prompts_that_wait_have_what_the_others_left_in_the_order_of_their_coming() -> None:
    steps = timeline(*(step(at, 100, elapsed_ns=100 * MS) for at in range(100, 1_100, 100)))
    done = _Prompt(0, 301 * MS, 250.0)
    early, late = _Prompt(0, None, 120.0), _Prompt(50 * MS, None, 500.0)
    # the first three steps had 250 tokens of the prompt that is done
    assert prompts_in(steps, [done, early, late], 0, 300 * MS) == pytest.approx([250, 50, 0])
    early.prefilled, done.prefilled = 50.0, 250.0
    found = prompts_in(steps, [done, early, late], 300 * MS, 500 * MS)
    assert found == pytest.approx([0, 70, 130])


def test_a_prompt_that_is_over_has_its_rest_where_it_ended() -> None:
    steps = timeline(*(step(at, 100, elapsed_ns=100 * MS) for at in range(100, 600, 100)))
    short = _Prompt(0, 301 * MS, 200.0, prefilled=20.0)  # of 100 that lay before
    assert prompts_in(steps, [short], 250 * MS, 350 * MS) == [180]
    assert prompts_in(StepTimeline(), [short], 0, 100 * MS) == [None]


class _Kept:
    def __init__(self) -> None:
        self.steps: list[EngineStep] = []

    def step(self, step: EngineStep) -> None:
        self.steps.append(step)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(_DEADLINE_S):
        while not is_so():
            await asyncio.sleep(0.005)


def test_steps_reach_the_sidecar(tmp_path: Path) -> None:
    path, kept = tmp_path / "steps.sock", _Kept()
    sender = StepSender(str(path), retry_s=0.0)
    assert not sender.send(_SAID)  # nobody listens yet: counted, not raised

    async def run() -> None:
        receiver = StepReceiver(path, kept)
        receiver.start()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(FileExistsError, match="another process"):
            StepReceiver(path, kept).start()
        now_ns = time.perf_counter_ns()
        for number in range(100):
            assert sender.send({**_SAID, "at_ns": now_ns, "number": number})
        sender.send({"hello": "you"})
        await _until(lambda: receiver.received + receiver.malformed == 101)
        assert [one.number for one in kept.steps] == list(range(100))
        state = {"senders": 1, "received": 100, "malformed": 1, "dropped_by_senders": 1}
        assert receiver.state() == state
        sender.send({**_SAID, "at_ns": 5})  # of another clock: as of now
        await _until(lambda: receiver.received == 101)
        assert abs(kept.steps[-1].at_ns - time.perf_counter_ns()) < _DEADLINE_S * 1e9
        receiver.stop()

    asyncio.run(run())
    assert not path.exists()
    sender.send(_SAID)  # the sidecar is gone
    assert sender.dropped == 2 and sender.sent == 102
    asyncio.run(run_again(path, kept, sender))
    sender.close()


async def run_again(path: Path, kept: _Kept, sender: StepSender) -> None:
    """A sidecar that comes back is found; the dead socket of a killed one is no hindrance."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
        dead.bind(str(path))
    receiver, before = StepReceiver(path, kept), len(kept.steps)
    receiver.start()
    assert sender.send(_SAID)
    await _until(lambda: len(kept.steps) > before)
    assert receiver.state()["dropped_by_senders"] == 2
    receiver.stop()


def test_a_sidecar_that_does_not_read_costs_messages_and_no_time(tmp_path: Path) -> None:
    path = tmp_path / "steps.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as deaf:
        deaf.bind(str(path))
        deaf.listen()
        sender = StepSender(str(path))
        done = threading.Thread(target=lambda: [sender.send(_SAID) for _ in range(5_000)])
        done.start()
        done.join(_DEADLINE_S)
        assert not done.is_alive()
        assert sender.sent > 50 and sender.dropped > 1_000
        sender.close()
        assert sender.sent + sender.dropped == 5_000


def test_a_sidecar_that_reads_late_misses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "steps.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as late:
        late.bind(str(path))
        late.listen()
        sender = StepSender(str(path))
        for number in range(1_000):
            assert sender.send({**_SAID, "number": number})
        assert sender.sent < 1_000  # more than the kernel holds
        near, _ = late.accept()
        with near:
            found = [json.loads(near.recv(1_024))["number"] for _ in range(100)]
            while len(found) < 1_001:
                sender.send({**_SAID, "number": len(found) + 10_000})
                near.setblocking(False)
                while True:
                    try:
                        found.append(json.loads(near.recv(1_024))["number"])
                    except BlockingIOError:
                        break
        assert found[:1_000] == list(range(1_000))
        sender.close()


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("text")

    async def run() -> None:
        with pytest.raises(FileExistsError, match="no socket"):
            StepReceiver(path, _Kept()).start()

    asyncio.run(run())
    assert path.read_text() == "text"
