"""Parsers of settings: each takes an argument or a variable's text, and says what it wants."""

import ipaddress
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from opentelemetry.trace import TracerProvider


def endpoint(value: object) -> str:
    """A base URL without credentials, query and trailing slash."""
    address = text(value)
    parts = urlsplit(address)
    try:
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        port_is_good = False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_good:
        raise ValueError("needs a URL like http://127.0.0.1:4318")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("takes no credentials, query or fragment; give the key as api_key")
    return address.rstrip("/")


def is_loopback(address: str) -> bool:
    """Does this URL lead to the same machine?"""
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("needs a non-empty text")
    return value.strip()


def header_value(value: object) -> str:
    secret = text(value)
    if not (secret.isascii() and secret.isprintable()):  # the value stays out of the message
        raise ValueError("needs printable ASCII without line breaks")
    return secret


def capture(value: object) -> str:
    mode = value.lower() if isinstance(value, str) else value
    if mode not in ("off", "metadata", "full"):
        raise ValueError(f"needs off, metadata or full, got {value!r}")
    return str(mode)


def otel_capture(value: str) -> str:
    """OpenTelemetry's variable for content capture, in our words."""
    return "full" if value.lower() in ("true", "span_only", "span_and_event") else "metadata"


def mask(value: object) -> object:
    if not callable(value):
        raise TypeError("needs a function from str to str")
    return value


def provider(value: object) -> object:
    if isinstance(value, TracerProvider):
        if not callable(getattr(value, "add_span_processor", None)):
            raise TypeError("needs an opentelemetry.sdk.trace.TracerProvider")
        return value
    if value not in ("isolated", "global"):
        raise ValueError(f"needs isolated, global or a TracerProvider, got {value!r}")
    return value


def pairs(value: object) -> Mapping[str, str]:
    """A mapping, or `name=value,name=value` with %-escapes as in the OTEL variables."""
    if isinstance(value, Mapping):
        return {str(name): str(item) for name, item in value.items()}
    found = {}
    for pair in text(value).split(","):
        name, equals, item = pair.partition("=")
        if not name.strip() or not equals:
            raise ValueError("needs name=value,name=value")
        found[unquote(name.strip())] = unquote(item.strip())
    return found


def headers(value: object) -> Mapping[str, str]:
    return {name: header_value(item) for name, item in pairs(value).items()}


def boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"needs true or false, got {value!r}")


def positive_integer(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = 0
    if number <= 0:
        raise ValueError(f"needs a whole number above 0, got {value!r}")
    return number


def positive_number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"needs a number above 0, got {value!r}")
    return number


def compression(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value not in ("gzip", "none"):
        raise ValueError(f"needs gzip or none, got {value!r}")
    return value == "gzip"
