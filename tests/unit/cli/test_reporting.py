"""What `tachograph up` tells people: each line can be copied as it stands."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from tachograph_cli.home import Home, Run, ServiceRun
from tachograph_cli.reporting import PeopleReporter

NARROW = 80


def shown(home: Home, collector_port: int) -> list[str]:
    def service(port: int | None) -> ServiceRun:
        url = None if port is None else f"http://127.0.0.1:{port}"
        return ServiceRun(state="ready", pid=4194304, port=port, url=url)

    services = {"collector": service(collector_port), "worker": service(None)}
    run = Run(supervisor_pid=1, version="1", home=str(home.path), services=services)
    output = io.StringIO()
    reporter = PeopleReporter(2, Console(file=output, width=NARROW, soft_wrap=True))
    reporter.ready(run, home, None, 1.0)
    return output.getvalue().splitlines()


def test_addresses_stay_whole_in_a_narrow_terminal(tmp_path: Path) -> None:
    lines = shown(Home(tmp_path / "a-long-name" / "of-a-home"), 58201)
    table = [line for line in lines if line.startswith("│")]
    assert any("http://127.0.0.1:58201" in line for line in table)
    assert len(table) == 2


def test_a_collector_on_another_port_is_named_to_the_sidecar(tmp_path: Path) -> None:
    (command,) = [line for line in shown(Home(tmp_path), 58201) if "tachograph sidecar" in line]
    assert command.endswith("--endpoint http://127.0.0.1:58201")
    (command,) = [line for line in shown(Home(tmp_path), 4318) if "tachograph sidecar" in line]
    assert "--endpoint" not in command


def test_another_home_is_told_to_the_other_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TACHOGRAPH_HOME", raising=False)
    home = Home(tmp_path / "with space")
    export = f"export TACHOGRAPH_HOME='{home.path}'"
    assert any(line.endswith(export) for line in shown(home, 4318))
    monkeypatch.setenv("TACHOGRAPH_HOME", str(home.path))
    assert not any("export" in line for line in shown(home, 4318))
