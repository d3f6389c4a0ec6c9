"""`tachograph up` with the real store, collector, worker, beat and dashboard."""

import json
import os
import signal
import stat
import urllib.request
from collections.abc import Callable

import pytest

from tachograph_cli.home import Run

from .conftest import Stack, eventually, pids_with

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

Start = Callable[..., Stack]
SERVICES = ["store", "collector", "worker", "beat", "dashboard"]
HEALTH = {"store": "/ping", "collector": "/healthz", "dashboard": "/_stcore/health"}


def _status(url: str, key: str | None = None) -> int:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        return int(answer.status)


@pytest.mark.lesson(23, 24)
def test_a_stack_comes_up_healthy_survives_a_kill_and_leaves_nothing(start: Start) -> None:
    stack = start()
    ready = stack.wait("stack_ready")
    services = ready["services"]
    assert list(services) == SERVICES
    assert {service["state"] for service in services.values()} == {"ready"}
    for name, path in HEALTH.items():
        assert _status(services[name]["url"] + path) == 200
    ping = stack.tachograph("worker", "--ping", "--timeout", "60")
    assert ping.returncode == 0, ping.stdout

    key_file = stack.home / "admin-key"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    key = key_file.read_text(encoding="utf-8").strip()
    assert key not in stack.output.read_text(encoding="utf-8")
    assert _status(services["collector"]["url"] + "/api/v1/whoami", key) == 200

    os.kill(services["collector"]["pid"], signal.SIGKILL)
    stack.wait("ready", "collector", count=2)
    assert _status(services["collector"]["url"] + "/healthz") == 200
    run = Run.read(stack.home / "run.json")
    assert run is not None
    assert run.services["collector"].restarts == 1

    examined = stack.tachograph("doctor", "--json")
    report = json.loads(examined.stdout)
    assert report["healthy"], report
    assert examined.returncode == 0
    by_name = {finding["name"]: finding for finding in report["findings"]}
    assert {f"{name} memory" for name in SERVICES} <= by_name.keys()
    assert by_name["stack memory"]["status"] == "ok", by_name["stack memory"]

    stack.process.send_signal(signal.SIGINT)
    assert stack.process.wait(180) == 0
    marker = f"TACHOGRAPH_HOME={stack.home}\0"
    eventually(lambda: not pids_with(marker), "no process of the stack is left")
    assert not (stack.home / "run.json").exists()
    killed = [event for event in stack.events() if event["event"] == "killed"]
    assert not killed


def test_a_second_up_is_refused_and_a_killed_one_gives_way(start: Start) -> None:
    first = start("--no-dashboard")
    first.wait("ready", "store")
    second = first.tachograph("up", "--home", str(first.home), "--ports", "auto")
    assert second.returncode == 1
    assert f"already runs in {first.home}" in second.stderr
    assert "--home DIR" in second.stderr

    old = pids_with(f"TACHOGRAPH_HOME={first.home}\0")
    os.killpg(first.process.pid, signal.SIGKILL)
    first.process.wait()
    third = start("--no-dashboard")
    assert "dashboard" not in third.wait("stack_ready")["services"]
    assert not old & pids_with(f"TACHOGRAPH_HOME={first.home}\0")
