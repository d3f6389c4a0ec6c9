"""Which processes make up a stack."""

import os
from pathlib import Path

import pytest

from tachograph_cli.home import Home
from tachograph_cli.stack import (
    COLLECTOR_PROCESSES,
    GRPC,
    GRPC_PORT,
    StackOptions,
    choose_ports,
    collector_processes,
    service_specs,
    store_is_embedded,
)


@pytest.fixture(autouse=True)
def embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TACHOGRAPH_STORE_URL", raising=False)


def _names(options: StackOptions) -> list[str]:
    ports = choose_ports(options, auto=True, offset=0)
    return [spec.name for spec in service_specs(Home(Path("/h")), ports, options)]


def test_the_whole_stack_has_five_services() -> None:
    assert _names(StackOptions()) == ["store", "collector", "worker", "beat", "dashboard"]
    assert _names(StackOptions(dashboard=False)) == ["store", "collector", "worker", "beat"]


def test_a_clickhouse_url_takes_the_place_of_the_embedded_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TACHOGRAPH_STORE_URL", "https://clickhouse.internal:8443")
    assert not store_is_embedded()
    assert _names(StackOptions()) == ["collector", "worker", "beat", "dashboard"]
    monkeypatch.setenv("TACHOGRAPH_STORE_URL", "embedded:///data")
    assert store_is_embedded()


def test_everything_waits_for_the_store_and_listens_where_it_was_told() -> None:
    options = StackOptions(login=False)
    ports = choose_ports(options, auto=True, offset=0)
    specs = {spec.name: spec for spec in service_specs(Home(Path("/h")), ports, options)}
    assert {spec.after for name, spec in specs.items() if name != "store"} == {("store",)}
    for name, port in ports.items():
        if name == GRPC:
            continue  # the collector's second port, see below
        argv = specs[name].argv
        assert argv[argv.index("--port") + 1] == str(port)
        assert specs[name].url == f"http://127.0.0.1:{port}"
    assert "--no-login" in specs["dashboard"].argv
    assert {spec.env["TACHOGRAPH_HOME"] for spec in specs.values()} == {"/h"}


def _collector_arguments(home: Home) -> list[str]:
    ports = choose_ports(StackOptions(), auto=True, offset=0)
    specs = service_specs(home, ports, StackOptions())
    collector = next(spec for spec in specs if spec.name == "collector")
    assert list(collector.argv).count("--port") == 1
    assert ports.get(GRPC) != collector.port
    return [*collector.argv[-2:], str(ports.get(GRPC))]


def test_the_collector_has_a_port_of_its_own_for_grpc(
    tmp_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(GRPC_PORT, raising=False)
    option, given, chosen = _collector_arguments(Home.resolve(str(tmp_path)))
    assert (option, given) == ("--grpc-port", chosen)
    assert int(chosen) > 0


def test_as_many_collector_processes_as_the_machine_has_use_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def told(cores: int, environ: dict[str, str] | None = None) -> tuple[str, ...]:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)), raising=False)
        return collector_processes(environ or {})

    counts = {cores: int(told(cores)[1]) for cores in (1, 2, 3, 4, 6, 8, 64)}
    assert counts == {1: 1, 2: 2, 3: 2, 4: 2, 6: 3, 8: 4, 64: 4}
    assert told(64, {COLLECTOR_PROCESSES: "7"}) == ()  # the collector reads it itself


def test_grpc_that_is_off_stays_off(tmp_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GRPC_PORT, "off")
    assert _collector_arguments(Home.resolve(str(tmp_path))) == ["--grpc-port", "off", "None"]
