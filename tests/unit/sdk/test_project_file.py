"""Settings in a project's pyproject.toml: the last source before the defaults."""

import logging
from pathlib import Path

import pytest

from tachograph._internal.config import PARAMETERS, resolve
from tachograph._internal.project_file import project_settings


def test_the_nearest_file_above_is_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.tachograph]\nservice_name = "helpdesk"\n[tool.tachograph.delivery]\nmax_records = 7\n'
    )
    inner = tmp_path / "src" / "helpdesk"
    inner.mkdir(parents=True)
    settings = resolve({}, {}, project_settings(inner))
    assert settings.service_name == "helpdesk"
    assert settings.delivery.max_records == 7
    (tmp_path / "src" / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert project_settings(inner) == {}


def test_arguments_and_variables_win_over_the_file() -> None:
    file = {"service_name": "file", "disabled": True, "limits": {"max_attributes": 3}}
    assert resolve({}, {}, file).service_name == "file"
    assert resolve({}, {}, file).disabled is True
    assert resolve({}, {}, file).limits.max_attributes == 3
    assert resolve({}, {"OTEL_SERVICE_NAME": "variable"}, file).service_name == "variable"
    assert resolve({"service_name": "argument"}, {}, file).service_name == "argument"


def test_a_wrong_value_is_passed_over_and_a_wrong_capture_captures_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = resolve({}, {}, {"delivery": {"max_records": "many"}, "capture": "al"})
    assert settings.delivery.max_records == 20_000
    assert settings.capture == "off"
    assert "[tool.tachograph] delivery.max_records" in caplog.text


def test_keys_functions_and_unknown_names_have_no_place_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = {"api_key": "tg_secret", "mask": "x", "servce_name": "typo", "delivery": 3}
    with caplog.at_level(logging.ERROR):
        settings = resolve({}, {}, file)
    assert settings.api_key is None
    assert "tg_secret" not in caplog.text
    assert len(caplog.records) == 4


@pytest.mark.parametrize("text", ["[tool.tachograph", "[tool]\ntachograph = 3\n", "\x00"])
def test_a_file_that_makes_no_sense_is_logged(
    tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert project_settings(tmp_path) == {}
    assert "pyproject.toml is passed over" in caplog.text


def test_every_parameter_but_two_may_stand_there() -> None:
    assert [p.name for p in PARAMETERS if not p.is_in_file] == ["api_key", "mask"]
