"""Settings of the dashboard, from `TACHOGRAPH_DASHBOARD_*`."""

from pydantic import Field, HttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict


class DashboardSettings(BaseSettings):
    """What `tachograph dashboard` reads from the environment; arguments win over it."""

    model_config = SettingsConfigDict(env_prefix="TACHOGRAPH_DASHBOARD_", extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address to listen on; loopback by default.")
    port: int = Field(default=8501, ge=0, le=65535, description="Port; 0 takes a free one.")
    collector_url: HttpUrl = Field(
        default=HttpUrl("http://127.0.0.1:4318"),
        description="Collector that verifies keys at login and takes feedback.",
    )
    no_login: bool = Field(
        default=False,
        description="Everyone who reaches the port reads `project` without a key. A loopback "
        "address behind a reverse proxy is not authentication, so this must be said.",
    )
    project: str = Field(default="default", description="The project shown with `no_login`.")
    allowed_hosts: list[str] = Field(
        default=["localhost", "127.0.0.1", "[::1]"],
        description="Host headers answered (against DNS rebinding); JSON list. Add the public "
        "name when a reverse proxy forwards it.",
    )
    secure_cookie: bool = Field(
        default=False, description="Mark the session cookie Secure: set it when served over HTTPS."
    )
    session_hours: float = Field(
        default=12.0, gt=0, le=24 * 30, description="A login ends after this many hours."
    )
    collector_timeout_s: float = Field(
        default=5.0, gt=0, le=60, description="Deadline of one call to the collector, seconds."
    )

    @property
    def collector_base(self) -> str:
        """`collector_url` without its trailing slash."""
        return str(self.collector_url).rstrip("/")
