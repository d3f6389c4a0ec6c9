"""`tachograph doctor` on homes that are broken in one way each."""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.free_port import free_port

from tachograph_cli.home import Home, HomeLock, Run, ServiceRun

pytestmark = pytest.mark.integration


def _doctor(home: Path) -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit status and findings by name."""
    done = subprocess.run(
        [sys.executable, "-m", "tachograph_cli", "doctor", "--json", "--home", str(home)],
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["healthy"] == (done.returncode == 0)
    return done.returncode, {finding["name"]: finding for finding in report["findings"]}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.ensure()
    return made


@pytest.fixture
def running(home: Home) -> Iterator[Run]:
    """A home that says a stack runs in it: the lock is held, run.json is there."""
    lock = HomeLock(home.lock_file)
    assert lock.acquire(0.0)
    yield Run(supervisor_pid=os.getpid(), version="0", home=str(home.path))
    lock.release()


def test_nothing_there_is_failed_with_the_first_step(tmp_path: Path) -> None:
    status, found = _doctor(tmp_path / "none")
    assert status == 1
    assert found["home"]["status"] == found["stack"]["status"] == "failed"
    assert "tachograph up" in found["stack"]["remedy"]
    assert found["python"]["status"] == "ok"
    assert not (tmp_path / "none").exists()


def test_compiled_parts_are_there_or_missed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _doctor(home.path)[1]["compiled parts"]
    is_built = find_spec("tachograph_collector.translate._compiled_spans") is not None
    assert found["status"] == ("ok" if is_built else "warning")
    monkeypatch.setenv("TACHOGRAPH_COMPILED", "off")
    assert _doctor(home.path)[1]["compiled parts"]["status"] == "warning"


def test_open_permissions_are_named_with_chmod(home: Home) -> None:
    home.path.chmod(0o755)
    home.admin_key_file.write_text("tg_x", encoding="utf-8")
    home.admin_key_file.chmod(0o644)
    _, found = _doctor(home.path)
    assert found["home"]["remedy"] == f"chmod 700 {home.path}"
    assert found["admin-key"]["remedy"] == f"chmod 600 {home.admin_key_file}"
    assert found["admin-key"]["status"] == "warning"


def test_a_killed_supervisor_is_seen_by_its_stale_file(home: Home) -> None:
    Run(supervisor_pid=2**22, version="0", home=str(home.path)).write(home.run_file)
    status, found = _doctor(home.path)
    assert status == 1
    assert "stale" in found["stack"]["detail"]


def test_a_broken_run_file_is_named(home: Home) -> None:
    home.run_file.write_text("{", encoding="utf-8")
    _, found = _doctor(home.path)
    assert str(home.run_file) in found["stack"]["detail"]
    assert found["stack"]["status"] == "failed"


def test_a_service_that_is_down_is_failed_with_its_log(home: Home, running: Run) -> None:
    log = home.log_file("collector")
    log.write_text("cannot open the journal: disk full\n", encoding="utf-8")
    running.services = {
        "store": ServiceRun(state="ready", url=f"http://127.0.0.1:{free_port()}", log=str(log)),
        "collector": ServiceRun(state="crash-loop", log=str(log)),
    }
    running.write(home.run_file)
    status, found = _doctor(home.path)
    assert status == 1
    assert found["stack"]["status"] == "ok"
    assert found["store"]["status"] == "failed"
    assert "does not answer" in found["store"]["detail"]
    assert "disk full" in found["collector"]["detail"]
    assert found["schema"]["status"] == "failed"


def test_an_unhealthy_answer_is_shown(home: Home, running: Run) -> None:
    class Unhealthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(b"the journal is full")

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Unhealthy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        running.services = {"collector": ServiceRun(state="ready", pid=os.getpid(), url=url)}
        running.write(home.run_file)
        status, found = _doctor(home.path)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert status == 1
    assert "503: the journal is full" in found["collector"]["detail"]
    assert found["admin key"]["status"] == "warning"
