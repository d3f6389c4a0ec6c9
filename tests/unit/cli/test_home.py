"""The home directory, run.json, the lock."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tachograph_cli.errors import CommandError
from tachograph_cli.home import Home, HomeLock, Run, ServiceRun, is_locked, write_private


def test_the_option_wins_over_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TACHOGRAPH_HOME", str(tmp_path / "environment"))
    assert Home.resolve(str(tmp_path / "option")).path == tmp_path / "option"
    assert Home.resolve(None).path == tmp_path / "environment"
    monkeypatch.delenv("TACHOGRAPH_HOME")
    assert Home.resolve(None).path == Path.home() / ".tachograph"


def test_ensure_makes_it_owner_only_and_mends_an_open_one(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.path.mkdir(mode=0o755)
    home.ensure()
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.log_directory.stat().st_mode) == 0o700


def test_a_home_that_cannot_be_made_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandError) as raised:
        Home(tmp_path / "file" / "home").ensure()
    assert "--home" in raised.value.remedy


def test_run_is_read_as_written(tmp_path: Path) -> None:
    run = Run(supervisor_pid=1, version="1", home="/h")
    run.services["store"] = ServiceRun(state="ready", pid=2, port=3, url="http://x", log="l")
    run.write(tmp_path / "run.json")
    assert Run.read(tmp_path / "run.json") == run
    assert stat.S_IMODE((tmp_path / "run.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"services": {"a": {"color": 1}}}', "\x00"])
def test_a_broken_run_file_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    assert Run.read(tmp_path / "run.json") is None


def test_the_lock_excludes_and_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    program = (
        "import sys, pathlib; from tachograph_cli.home import HomeLock; "
        f"lock = HomeLock(pathlib.Path({str(path)!r})); print(lock.acquire(0), flush=True); "
        "sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert is_locked(path)
        mine = HomeLock(path)
        assert not mine.acquire(0.0)
        holder.kill()
    assert mine.acquire(5.0)
    mine.release()


def test_write_private_replaces_an_open_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
