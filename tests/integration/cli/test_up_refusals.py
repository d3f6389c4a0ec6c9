"""`tachograph up` where it cannot start: a clear message, the next step, nothing left running."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tachograph_cli.home import Home, HomeLock, Run
from tachograph_cli.stack import DEFAULT_PORTS

pytestmark = pytest.mark.integration


def _up(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tachograph_cli", "up", "--home", str(home), *arguments],
        env={**os.environ, "TACHOGRAPH_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        done = _up(tmp_path / "home", "--port-offset", str(port - DEFAULT_PORTS["store"]))
    assert done.returncode == 2
    assert f"port {port} (store)" in done.stderr
    assert "--ports auto" in done.stderr


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    done = _up(tmp_path / "home")
    assert done.returncode == 1
    assert "--home DIR" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_that_cannot_start_ends_the_command_with_its_last_lines(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "store").write_text("not a directory", encoding="utf-8")
    done = _up(home, "--ports", "auto", "--json")
    assert done.returncode == 1
    events = [json.loads(line) for line in done.stdout.splitlines()]
    told = [event for event in events if event["event"] == "crash_loop"]
    assert [event["service"] for event in told] == ["store"]
    assert "store.log" in told[0]["message"]
    assert "File exists" in told[0]["message"]
    assert not [event for event in events if event["event"] == "starting"][5:]
    assert not (home / "run.json").exists()


def test_a_killed_supervisor_that_nobody_reaped_does_not_block_the_next(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.ensure()
    guardian = HomeLock(home.lock_file)
    assert guardian.acquire(0.0)
    with subprocess.Popen([sys.executable, "-c", ""]) as supervisor:
        os.waitid(os.P_PID, supervisor.pid, os.WEXITED | os.WNOWAIT)  # ended, its pid still there
        Run(supervisor_pid=supervisor.pid, version="1", home=str(home.path)).write(home.run_file)
        (home.path / "store").write_text("not a directory", encoding="utf-8")
        with subprocess.Popen(
            [sys.executable, "-m", "tachograph_cli", "up", "--home", str(home.path)]
            + ["--ports", "auto", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                started.wait(3)
            guardian.release()
            output, errors = started.communicate()
    assert "already runs" not in errors
    assert '"starting"' in output
