"""Settings: command line over environment over default, and errors that say where."""

import argparse
from pathlib import Path

import pytest

from tachograph_sidecar.settings import OPTIONS, SettingsError, add_options, read_settings


def test_defaults() -> None:
    settings = read_settings({}, {})
    assert [upstream.url for upstream in settings.upstreams] == ["http://127.0.0.1:8080"]
    assert (settings.host, settings.port) == ("127.0.0.1", 8787)
    assert settings.endpoint == "http://127.0.0.1:4318"
    assert settings.capture == "full"
    assert settings.trust_tenant_header is False
    assert settings.ask_usage is True


def test_the_command_line_wins_over_the_environment() -> None:
    environment = {"TACHOGRAPH_SIDECAR_PORT": "1000", "TACHOGRAPH_SIDECAR_ENGINE": "vllm"}
    settings = read_settings({"port": "2000", "engine": None}, environment)
    assert (settings.port, settings.engine) == (2000, "vllm")


def test_content_stays_on_this_machine_unless_asked_for() -> None:
    away = {"TACHOGRAPH_ENDPOINT": "https://collector.example:4318"}
    assert read_settings({}, away).capture == "metadata"
    assert read_settings({"capture": "full"}, away).capture == "full"


def test_the_key_is_in_no_option_and_in_no_repr() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    assert "api_key" not in vars(parser.parse_args([]))
    settings = read_settings({}, {"TACHOGRAPH_API_KEY": "tg_secret"})
    assert settings.api_key == "tg_secret"
    assert "tg_secret" not in repr(settings)


@pytest.mark.parametrize(
    ("arguments", "environment", "place"),
    [
        ({"port": "x"}, {}, "--port"),
        ({"port": "70000"}, {}, "--port"),
        ({"upstream": "localhost:8080"}, {}, "--upstream"),
        ({"upstream": "http://user:secret@h"}, {}, "--upstream"),
        ({}, {"TACHOGRAPH_SIDECAR_CAPTURE": "all"}, "TACHOGRAPH_SIDECAR_CAPTURE"),
        ({}, {"TACHOGRAPH_SIDECAR_ENGINE": "gpt"}, "TACHOGRAPH_SIDECAR_ENGINE"),
        ({"drain_s": "-1"}, {}, "--drain-s"),
        ({"ask_usage": "maybe"}, {}, "--ask-usage"),
        ({"max_connections": "0"}, {}, "--max-connections"),
        ({}, {"TACHOGRAPH_API_KEY": "a\nb"}, "TACHOGRAPH_API_KEY"),
    ],
)
def test_wrong_values_name_their_place(
    arguments: dict[str, str | None], environment: dict[str, str], place: str
) -> None:
    with pytest.raises(SettingsError, match=place) as caught:
        read_settings(arguments, environment)
    assert caught.value.remedy
    assert "secret" not in str(caught.value)


def test_every_option_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[3] / "docs" / "sidecar.md").read_text(encoding="utf-8")
    for option in OPTIONS:
        assert f"`{option.flag}`" in text and f"`{option.variable}`" in text


def test_several_engines() -> None:
    settings = read_settings({"upstream": "http://a:8001, http://b:8002/x"}, {})
    assert [upstream.url for upstream in settings.upstreams] == ["http://a:8001", "http://b:8002/x"]


@pytest.mark.parametrize("urls", [",", "http://a:1,http://a:1/", "http://a:1,b"])
def test_engines_that_cannot_be_meant(urls: str) -> None:
    with pytest.raises(SettingsError, match="--upstream"):
        read_settings({"upstream": urls}, {})
