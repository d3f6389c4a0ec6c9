"""Settings that cannot work are refused at the start."""

import argparse

import pytest
from pydantic import ValidationError

from tachograph_collector.command import run
from tachograph_collector.settings import CollectorSettings


def test_defaults_are_loopback_and_admit_a_ten_megabyte_prompt() -> None:
    settings = CollectorSettings()
    assert (settings.host, settings.port) == ("127.0.0.1", 4318)
    assert settings.max_compressed_body_bytes > 10 * 2**20
    assert settings.max_in_flight_bytes >= settings.max_body_bytes


@pytest.mark.parametrize(
    ("given", "port"),
    [
        ({}, 4317),
        ({"port": 0}, 0),  # a second collector beside the first
        ({"port": 0, "grpc_port": "4999"}, 4999),
        ({"port": 0, "grpc_port": "off"}, "off"),
    ],
)
def test_grpc_takes_a_free_port_beside_a_free_port(
    given: dict[str, object], port: int | str
) -> None:
    assert CollectorSettings(**given).grpc_port == port  # type: ignore[arg-type]


def test_mappings_and_prices_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TACHOGRAPH_COLLECTOR_HOSTED_EQUIVALENTS", '{"smollm2": "gpt-4o-mini"}')
    monkeypatch.setenv("TACHOGRAPH_COLLECTOR_GPU_HOUR_PRICE", "2.49")
    settings = CollectorSettings()
    assert settings.hosted_equivalents == {"smollm2": "gpt-4o-mini"}
    assert str(settings.gpu_hour_price) == "2.49"


@pytest.mark.parametrize(
    "wrong",
    [
        {"anonymous": "everybody"},
        {"currency": "euro"},
        {"gpu_hour_price": "-1"},
        {"max_in_flight_bytes": 2**20},
        {"grpc_port": 70_000},
        {"grpc_port": "on"},
        {"grpc_port": 4318},
    ],
)
def test_wrong_values_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        CollectorSettings(**wrong)  # type: ignore[arg-type]


def test_the_command_says_which_setting_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TACHOGRAPH_COLLECTOR_ANONYMOUS", "everybody")
    assert (
        run(argparse.Namespace(host=None, port=0, grpc_port=None, processes=None, process=None))
        == 1
    )
    assert "anonymous" in capsys.readouterr().err
