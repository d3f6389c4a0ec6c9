"""Where the store is and what it may use: environment variables `TACHOGRAPH_STORE_*`."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

EMBEDDED_SCHEME = "embedded"


def home() -> Path:
    """The directory of everything a stack keeps: `TACHOGRAPH_HOME`, else `~/.tachograph`.

    Created owner-only when missing.
    """
    configured = os.environ.get("TACHOGRAPH_HOME")
    directory = Path(configured).expanduser() if configured else Path.home() / ".tachograph"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def _default_url() -> str:
    return f"{EMBEDDED_SCHEME}://{home() / 'store'}"


class StoreSettings(BaseSettings):
    """Settings of the store's clients and of the embedded engine."""

    model_config = SettingsConfigDict(
        env_prefix="TACHOGRAPH_STORE_",
        extra="forbid",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,  # a refused value may be a password
    )

    url: str = Field(default_factory=_default_url)
    """`embedded:///directory`, or `http(s)://host:port` of a ClickHouse server."""

    database: str = "default"
    """Database of a ClickHouse server; the embedded engine has only `default`."""

    user: str = ""
    """User at a ClickHouse server; the embedded engine has its own credentials."""

    password: SecretStr = SecretStr("")
    """Password at a ClickHouse server; never logged."""

    cluster: str = ""
    """Name for `ON CLUSTER` of a ClickHouse cluster; empty for a single server."""

    port: int = Field(default=18123, ge=0, le=65535)
    """Loopback port of the embedded engine; 0 takes a free one."""

    host: str = "127.0.0.1"
    """Address that the embedded engine listens on: it holds prompts, keep it on loopback."""

    retention_days: int = Field(default=90, ge=1)
    """Days a span is kept."""

    content_retention_days: int = Field(default=30, ge=1)
    """Days prompt, completion and context are kept."""

    readings_retention_days: int = Field(default=30, ge=1)
    """Days GPU and engine readings are kept."""

    rollups_retention_days: int = Field(default=400, ge=1)
    """Days the totals of each minute are kept."""

    max_memory_bytes: int = Field(default=1_500_000_000, ge=100_000_000)
    """Memory that one query may use in the embedded engine."""

    max_server_memory_bytes: int = Field(default=3_000_000_000, ge=300_000_000)
    """Memory that all queries of the embedded engine may use together."""

    max_execution_time_s: int = Field(default=60, ge=1)
    """Seconds that one query may run."""

    max_result_rows: int = Field(default=1_000_000, ge=5_000)
    """Rows that one query may answer; a client's first question alone has 1,700."""

    max_result_bytes: int = Field(default=512_000_000, ge=1_000_000)
    """Bytes that one query may answer."""

    max_query_bytes: int = Field(default=262_144, ge=1_000)
    """Length of one statement, without the rows of an INSERT."""

    max_body_bytes: int = Field(default=256_000_000, ge=1_000)
    """Bytes of one request's body, counted after decompression."""

    reader_connections: int = Field(default=4, ge=1, le=64)
    """Queries of readers that run at once; more wait."""

    writer_connections: int = Field(default=3, ge=1, le=64)
    """Inserts, and likewise look-ups of writers, that run at once; more wait."""

    queue_timeout_s: float = Field(default=30.0, gt=0)
    """Seconds that a statement waits for a free connection before it is refused."""

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in (EMBEDDED_SCHEME, "http", "https"):
            raise ValueError(
                f"TACHOGRAPH_STORE_URL has the scheme {parts.scheme!r}: "
                "use embedded:///directory, http://host:8123 or https://host:8443"
            )
        if parts.username or parts.password:
            raise ValueError(
                "TACHOGRAPH_STORE_URL carries credentials: put them in TACHOGRAPH_STORE_USER "
                "and TACHOGRAPH_STORE_PASSWORD, which are never logged"
            )
        if parts.scheme == EMBEDDED_SCHEME and (parts.netloc or not parts.path.startswith("/")):
            raise ValueError("TACHOGRAPH_STORE_URL needs an absolute path: embedded:///directory")
        return value

    @property
    def is_embedded(self) -> bool:
        """Whether the URL names the embedded engine."""
        return urlsplit(self.url).scheme == EMBEDDED_SCHEME

    @property
    def directory(self) -> Path:
        """The embedded engine's directory; only for `embedded://` URLs."""
        if not self.is_embedded:
            raise ValueError("TACHOGRAPH_STORE_URL names a server: it has no local directory")
        return Path(urlsplit(self.url).path)
