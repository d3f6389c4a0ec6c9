"""Where each setting is taken from, and what becomes of nonsense."""

import logging
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from tachograph._internal.config import PARAMETERS, resolve
from tachograph.exceptions import ConfigurationError
from tachograph.types import DeliveryOptions, LimitOptions


def test_defaults() -> None:
    settings = resolve({}, {})
    assert settings.endpoint == "http://127.0.0.1:4318"
    assert settings.service_name == "unknown_service"
    assert settings.provider == "isolated"
    assert settings.api_key is None
    assert settings.disabled is False
    assert settings.delivery == DeliveryOptions()
    assert settings.limits == LimitOptions()


def test_argument_beats_own_variable_beats_opentelemetry_beats_default() -> None:
    otel = {"OTEL_SERVICE_NAME": "otel"}
    own = {"TACHOGRAPH_SERVICE_NAME": "own"}
    assert resolve({}, otel).service_name == "otel"
    assert resolve({}, otel | own).service_name == "own"
    assert resolve({"service_name": "argument"}, otel | own).service_name == "argument"


def test_empty_variables_count_as_absent() -> None:
    assert resolve({}, {"TACHOGRAPH_SERVICE_NAME": " "}).service_name == "unknown_service"


@pytest.mark.parametrize(
    ("endpoint", "capture"),
    [
        ("http://127.0.0.1:4318", "full"),
        ("http://localhost:4318", "full"),
        ("http://[::1]:4318", "full"),
        ("https://collector.example.org", "metadata"),
        ("http://10.0.0.4:4318", "metadata"),
    ],
)
def test_content_stays_home_unless_asked(endpoint: str, capture: str) -> None:
    assert resolve({"endpoint": endpoint}, {}).capture == capture
    assert resolve({"endpoint": endpoint, "capture": "full"}, {}).capture == "full"


@pytest.mark.parametrize(
    ("value", "capture"),
    [("true", "full"), ("SPAN_ONLY", "full"), ("NO_CONTENT", "metadata"), ("false", "metadata")],
)
def test_opentelemetry_content_variable(value: str, capture: str) -> None:
    variable = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
    assert resolve({}, {variable: value}).capture == capture


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("endpoint", "localhost:4318"),
        ("endpoint", "ftp://x"),
        ("endpoint", "http://user:pw@host"),
        ("endpoint", "http://host:99999"),
        ("endpoint", 7),
        ("api_key", "tg_a\nX-Evil: 1"),
        ("api_key", ""),
        ("capture", "ful"),
        ("mask", "redact"),
        ("provider", "other"),
        ("headers", {"X": "a\r\nb"}),
        ("disabled", "perhaps"),
        ("service_name", "  "),
    ],
)
def test_a_wrong_argument_is_named_and_never_quoted_when_secret(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: ") as caught:
        resolve({name: value}, {})
    assert caught.value.setting == name
    if name in ("api_key", "headers"):
        assert "Evil" not in str(caught.value)


def test_a_wrong_variable_is_logged_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    settings = resolve(
        {},
        {
            "TACHOGRAPH_MAX_RECORDS": "many",
            "OTEL_BSP_MAX_QUEUE_SIZE": "77",
            "TACHOGRAPH_DISABLED": "?",
        },
    )
    assert settings.delivery.max_records == 77
    assert settings.disabled is False
    assert "TACHOGRAPH_MAX_RECORDS" in caplog.text


def test_a_misspelt_capture_variable_captures_nothing() -> None:
    assert resolve({}, {"TACHOGRAPH_CAPTURE": "metdata"}).capture == "off"


def test_every_variable_of_the_table_is_read() -> None:
    samples = {
        "endpoint": ("http://h:1", "http://h:1"),
        "api_key": ("tg_x", "tg_x"),
        "service_name": ("s", "s"),
        "capture": ("off", "off"),
        "provider": ("global", "global"),
        "resource_attributes": ("a=b%20c,d=e", {"a": "b c", "d": "e"}),
        "headers": ("x=1,y=2", {"x": "1", "y": "2"}),
        "disabled": ("true", True),
        "serverless": ("on", True),
        "deliver_on_sigterm": ("no", False),
        "delivery.is_compressed": ("none", False),
        "delivery.ca_file": ("/ca.pem", "/ca.pem"),
        "delivery.spool_folder": ("/var/spool/t", "/var/spool/t"),
    }
    for parameter in PARAMETERS:
        raw, wanted = samples.get(parameter.name, ("9", 9))
        for variable in parameter.environment:
            if variable.endswith("MESSAGE_CONTENT"):
                continue  # has words of its own
            value: Any = resolve({}, {variable: raw})
            for part in parameter.name.split("."):
                value = getattr(value, part)
            assert value == wanted, variable


def test_option_objects_win_over_variables() -> None:
    settings = resolve(
        {"delivery": DeliveryOptions(max_records=5), "limits": LimitOptions(max_attributes=3)},
        {"TACHOGRAPH_MAX_RECORDS": "9", "TACHOGRAPH_MAX_ATTRIBUTES": "9"},
    )
    assert settings.delivery.max_records == 5
    assert settings.limits.max_attributes == 3


def test_a_provider_may_be_given() -> None:
    provider = TracerProvider()
    assert resolve({"provider": provider}, {}).provider is provider


def test_secrets_are_not_in_the_repr() -> None:
    settings = resolve({"api_key": "tg_secret", "headers": {"x": "hidden"}}, {})
    assert "tg_secret" not in repr(settings)
    assert "hidden" not in repr(settings)


def test_a_key_in_the_clear_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        resolve({"api_key": "tg_secret", "endpoint": "http://collector.example.org"}, {})
        assert "unencrypted" in caplog.text
        assert "tg_secret" not in caplog.text
        caplog.clear()
        resolve({"api_key": "tg_secret"}, {})
        resolve({"api_key": "tg_secret", "endpoint": "https://collector.example.org"}, {})
        assert caplog.text == ""
