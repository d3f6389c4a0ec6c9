"""Planner and sweep tick in step, and one at a time: neither keeps the other out."""

import threading
from pathlib import Path

import pytest

from tachograph_evaluators import tasks
from tachograph_evaluators.dispatch import Done


def test_who_comes_second_waits_for_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TACHOGRAPH_HOME", str(tmp_path))
    began, may_end = threading.Event(), threading.Event()
    order = []

    def sweep() -> Done:
        began.set()
        may_end.wait(60)
        order.append("swept")
        return Done()

    def plan() -> Done:
        order.append("planned")
        return Done()

    plans, sweeps = threading.Lock(), threading.Lock()
    first = threading.Thread(target=tasks._alone, args=(sweep, "swept", sweeps))
    second = threading.Thread(target=tasks._alone, args=(plan, "planned", plans))
    first.start()
    assert began.wait(60)
    second.start()
    while not plans.locked():
        assert second.is_alive()
    assert tasks._alone(plan, "planned", plans) is None  # one of each waits, no more
    may_end.set()
    first.join(60)
    second.join(60)
    assert order == ["swept", "planned"]
