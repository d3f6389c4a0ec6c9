"""Settings of the dashboard, from `TACHOGRAPH_DASHBOARD_*`."""

from decimal import Decimal

from pydantic import AliasChoices, Field, HttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict


def _also_of_the_collector(name: str) -> AliasChoices:
    """The dashboard's own variable, else the collector's: both compute with one price."""
    return AliasChoices(f"TACHOGRAPH_DASHBOARD_{name}", f"TACHOGRAPH_COLLECTOR_{name}")


class DashboardSettings(BaseSettings):
    """What `tachograph dashboard` reads from the environment; arguments win over it."""

    model_config = SettingsConfigDict(
        env_prefix="TACHOGRAPH_DASHBOARD_", extra="ignore", populate_by_name=True
    )

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
    gpu_hour_price: Decimal | None = Field(
        default=None,
        ge=0,
        validation_alias=_also_of_the_collector("GPU_HOUR_PRICE"),
        description="Price of one GPU for an hour, for unit costs; not set, that of the collector "
        "(`TACHOGRAPH_COLLECTOR_GPU_HOUR_PRICE`) where both have one environment.",
    )
    electricity_price_kwh: Decimal | None = Field(
        default=None,
        ge=0,
        validation_alias=_also_of_the_collector("ELECTRICITY_PRICE_KWH"),
        description="Price of a kilowatt-hour, for unit costs; not set, the collector's.",
    )
    currency: str = Field(
        default="USD",
        pattern="^[A-Z]{3}$",
        validation_alias=_also_of_the_collector("CURRENCY"),
        description="Currency of these prices; not set, the collector's.",
    )

    @property
    def collector_base(self) -> str:
        """`collector_url` without its trailing slash."""
        return str(self.collector_url).rstrip("/")
