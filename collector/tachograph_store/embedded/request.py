"""What one HTTP request asks of the store: query, parameters, settings, credentials."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from tachograph_store.embedded.exceptions import (
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    READONLY,
    UNKNOWN_DATABASE,
    UNKNOWN_SETTING,
    EngineException,
)

TRANSPORT = frozenset(
    """
    query database default_format query_id session_id session_timeout session_check
    wait_end_of_query send_progress_in_http_headers buffer_size
    http_headers_progress_interval_ms enable_http_compression compress
    client_protocol_version cancel_http_readonly_queries_on_client_close
    date_time_input_format cast_string_to_dynamic_use_inference log_comment
    """.split()  # noqa: SIM905 - a list of 17 quoted words is harder to read
)
"""URL parameters that are taken and either handled here or without meaning here."""

SETTINGS: Mapping[str, str] = {
    "insert_deduplication_token": "",
    "mutations_sync": "1",
    "lightweight_deletes_sync": "1",
}
"""Settings that a statement of a writer or migrator may bring, and the value put back behind it."""


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """A request's head, with the URL taken apart."""

    method: str
    headers: Mapping[str, str]
    url_query: Mapping[str, str]

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any]) -> "StoreRequest":
        """Read an ASGI scope."""
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return cls(
            method=scope["method"],
            headers={name.decode("latin-1"): _text(value) for name, value in scope["headers"]},
            url_query=dict(pairs),
        )

    def credentials(self) -> tuple[str, str]:
        """User and password of the Authorization or X-ClickHouse headers.

        Raises:
            EngineException: 516 when there are none, or when they stand in the URL.
        """
        if "password" in self.url_query or "user" in self.url_query:
            raise EngineException.of(
                AUTHENTICATION_FAILED, "credentials in a URL end in logs: send them as headers"
            )
        if "x-clickhouse-user" in self.headers:
            return self.headers["x-clickhouse-user"], self.headers.get("x-clickhouse-key", "")
        scheme, _, encoded = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            raise EngineException.of(AUTHENTICATION_FAILED, "Authentication failed: no credentials")
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise EngineException.of(
                AUTHENTICATION_FAILED, "Authentication failed: unreadable Authorization header"
            ) from None
        return user, password


@dataclass(frozen=True, slots=True)
class Options:
    """What comes with a statement besides its text."""

    parameters: Mapping[str, str]
    settings: Mapping[str, str]
    default_format: str
    is_compressed: bool

    @classmethod
    def of(cls, pairs: Mapping[str, str], headers: Mapping[str, str]) -> "Options":
        """Sort URL parameters and form fields.

        Raises:
            EngineException: 115 for an unknown name, 164 for one that may not be changed, 81 for
                another database.
        """
        if pairs.get("database", "default") not in ("", "default"):
            raise EngineException.of(
                UNKNOWN_DATABASE, f"Database {pairs['database']!r}: the store has only `default`"
            )
        settings: dict[str, str] = {}
        for name, value in pairs.items():
            if name.startswith("param_") or name in TRANSPORT:
                continue
            if name not in SETTINGS:
                known = name.isidentifier() and name.islower()
                raise EngineException.of(
                    READONLY if known else UNKNOWN_SETTING,
                    f"Cannot modify {name!r} setting: it is not on the store's list",
                )
            settings[name] = value
        return cls(
            parameters={
                name.removeprefix("param_"): value
                for name, value in pairs.items()
                if name.startswith("param_")
            },
            settings=settings,
            default_format=pairs.get("default_format")
            or headers.get("x-clickhouse-format")
            or "TabSeparated",
            is_compressed=pairs.get("enable_http_compression") == "1",
        )


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def is_allowed_host(host: str, allowed: Iterable[str]) -> bool:
    """Whether a Host header names this server: a page elsewhere cannot rebind its name to us."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return name.strip("[]").lower() in allowed


def parse_form(body: bytes, content_type: str) -> Mapping[str, str]:
    """The fields of a `multipart/form-data` body, as clickhouse-connect sends long parameters.

    Raises:
        EngineException: 36 when the body is no such form or carries a file (external data).
    """
    boundary = ""
    for part in content_type.split(";")[1:]:
        name, _, value = part.strip().partition("=")
        if name.lower() == "boundary":
            boundary = value.strip('"')
    if not boundary:
        raise EngineException.of(BAD_ARGUMENTS, "multipart body without a boundary")
    fields: dict[str, str] = {}
    for section in body.split(b"--" + boundary.encode("latin-1"))[1:-1]:
        head, separator, value_bytes = section.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        disposition = _disposition(head)
        if not separator or "name" not in disposition:
            raise EngineException.of(BAD_ARGUMENTS, "multipart section without a name")
        if "filename" in disposition:
            raise EngineException.of(BAD_ARGUMENTS, "external data: not taken by this store")
        try:
            fields[disposition["name"]] = value_bytes.removesuffix(b"\r\n").decode()
        except UnicodeDecodeError:
            raise EngineException.of(BAD_ARGUMENTS, "a form field is not UTF-8") from None
    return fields


def _disposition(head: bytes) -> Mapping[str, str]:
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-disposition":
            pairs = (item.strip().partition("=") for item in value.split(";")[1:])
            return {key: quoted.strip('"') for key, _, quoted in pairs}
    return {}
