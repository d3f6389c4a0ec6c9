"""Which ports the services of a stack are given."""

import pytest

from tachograph_cli.home import Home
from tachograph_cli.stack import GRPC, GRPC_PORT, StackOptions, choose_ports, service_specs


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


def test_grpc_that_is_off_stays_off(tmp_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GRPC_PORT, "off")
    assert _collector_arguments(Home.resolve(str(tmp_path))) == ["--grpc-port", "off", "None"]
