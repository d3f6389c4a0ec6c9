"""What the collector can be told, by `TACHOGRAPH_COLLECTOR_*` environment variables."""

from decimal import Decimal
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class CollectorSettings(BaseSettings):
    """Settings of one collector process; mappings are given as JSON.

    How long rows are kept is a setting of the store (`TACHOGRAPH_STORE_RETENTION_DAYS`, …).
    """

    model_config = SettingsConfigDict(env_prefix="TACHOGRAPH_COLLECTOR_", extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=4318, ge=0, le=65535)  # 0: any free port
    anonymous: Literal["loopback", "off"] = "loopback"

    max_compressed_body_bytes: int = Field(default=16 * MIB, ge=1024)
    max_body_bytes: int = Field(default=64 * MIB, ge=1024)  # after decompression
    max_in_flight_bytes: int = Field(default=256 * MIB, ge=1024)  # of all bodies being handled
    retry_after_s: int = Field(default=2, ge=1, le=600)

    max_attributes: int = Field(default=256, ge=8)  # kept in the map; typed columns come on top
    max_attribute_bytes: int = Field(default=64 * 1024, ge=256)
    max_content_bytes: int = Field(default=4 * MIB, ge=1024)  # prompt, completion, context each
    max_events: int = Field(default=128, ge=0)
    max_links: int = Field(default=128, ge=0)

    max_block_rows: int = Field(default=5000, ge=1)
    max_block_bytes: int = Field(default=64 * MIB, ge=1024)
    ledger_interval_s: float = Field(default=1.0, gt=0, le=60)

    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    currency_per_usd: Decimal | None = Field(default=None, gt=0)
    gpu_hour_price: Decimal | None = Field(default=None, ge=0)
    machine_hour_price: Decimal | None = Field(default=None, ge=0)
    electricity_price_kwh: Decimal | None = Field(default=None, ge=0)
    hosted_equivalents: dict[str, str] = Field(default_factory=dict)
    """Local model -> the hosted model whose list price it is compared with."""
