"""The supervisor with small real processes: order, restart, crash loop, stop, no orphans."""

import os
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tachograph_cli.home import is_locked

from .conftest import Plan, Supervised, eventually, is_running

pytestmark = pytest.mark.integration

Supervise = Callable[[Plan], Supervised]


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60):
            return True
    except OSError:
        return False


def test_a_service_starts_only_when_what_it_comes_after_is_ready(
    plan: Plan, supervise: Supervise
) -> None:
    plan.server("second", after=("first",))
    plan.server("first")
    stack = supervise(plan)
    stack.wait("all_ready")
    order = [(e["event"], e["service"]) for e in stack.events()]
    assert order.index(("ready", "first")) < order.index(("starting", "second"))


def test_a_killed_service_is_restarted_on_its_port_and_its_children_end(
    plan: Plan, supervise: Supervise
) -> None:
    port = plan.server("web")
    stack = supervise(plan)
    stack.wait("ready", "web")
    pid, child = stack.pid_of("web"), stack.child_of("web")
    os.kill(pid, signal.SIGKILL)
    died = stack.wait("died", "web")
    assert "SIGKILL" in died["message"]
    stack.wait("ready", "web", count=2)
    assert _answers(port)
    assert stack.pid_of("web") != pid
    eventually(lambda: not is_running(child), "the first instance's child ends")


def test_a_service_that_hangs_is_killed_and_started_again(plan: Plan, supervise: Supervise) -> None:
    plan.policy = {"liveness_every_s": 0.1, "liveness_timeout_s": 1.0, "hung_after_s": 3.0}
    port = plan.server("web")
    plan.server("other")
    stack = supervise(plan)
    stack.wait("all_ready")
    pid = stack.pid_of("web")
    os.kill(pid, signal.SIGSTOP)
    hung = stack.wait("hung", "web")
    assert f"http://127.0.0.1:{port}/" in hung["message"]
    stack.wait("ready", "web", count=2)
    assert _answers(port)
    assert not is_running(pid)
    assert stack.of("died", "web")
    assert not stack.of("died", "other")


def test_a_crash_loop_is_told_with_the_last_lines_and_the_others_go_on(
    plan: Plan, supervise: Supervise
) -> None:
    plan.policy = {"first_delay_s": 0.01, "crash_loop_retry_s": 600.0}
    port = plan.server("web")
    plan.python("broken", "import sys; sys.exit('the setting FOO is missing')")
    stack = supervise(plan)
    told = stack.wait("crash_loop", "broken")
    assert "the setting FOO is missing" in told["message"]
    assert "status 1" in told["message"]
    assert len(stack.of("starting", "broken")) == 5
    stack.wait("ready", "web")
    assert _answers(port)
    assert stack.process.poll() is None


def test_stop_goes_in_reverse_order_and_leaves_nothing(plan: Plan, supervise: Supervise) -> None:
    plan.server("first")
    plan.server("second", after=("first",))
    stack = supervise(plan)
    stack.wait("all_ready")
    pids = [stack.pid_of(n) for n in ("first", "second")]
    pids += [stack.child_of(n) for n in ("first", "second")]
    stack.process.send_signal(signal.SIGINT)
    assert stack.process.wait(180) == 0
    order = [(e["event"], e["service"]) for e in stack.events()]
    assert order.index(("stopped", "second")) < order.index(("stopping", "first"))
    for pid in pids:
        eventually(lambda pid=pid: not is_running(pid), f"{pid} ends")  # type: ignore[misc]


def test_what_ignores_sigterm_is_killed_after_its_deadline(
    plan: Plan, supervise: Supervise
) -> None:
    ready = plan.directory / "ready"
    plan.python(
        "stubborn",
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(600)",
        stop_s=0.3,
    )
    stack = supervise(plan)
    eventually(ready.exists, "the service ignores SIGTERM")
    pid = stack.pid_of("stubborn")
    stack.process.send_signal(signal.SIGTERM)
    assert stack.process.wait(180) == 0
    assert stack.of("killed", "stubborn")
    assert not is_running(pid)


def test_no_process_outlives_a_killed_supervisor(
    plan: Plan, supervise: Supervise, tmp_path: Path
) -> None:
    plan.server("first")
    plan.server("second", after=("first",))
    stack = supervise(plan)
    stack.wait("all_ready")
    pids = [stack.pid_of(n) for n in ("first", "second")]
    pids += [stack.child_of(n) for n in ("first", "second")]
    assert is_locked(tmp_path / "lock")
    os.killpg(stack.process.pid, signal.SIGKILL)
    stack.process.wait()
    for pid in pids:
        eventually(lambda pid=pid: not is_running(pid), f"{pid} ends")  # type: ignore[misc]
    eventually(lambda: not is_locked(tmp_path / "lock"), "the guardian lets the home go")
