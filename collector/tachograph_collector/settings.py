"""What the collector can be told, by `TACHOGRAPH_COLLECTOR_*` environment variables."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tachograph_detectors.redact import Redactor

MIB = 1024 * 1024


class CollectorSettings(BaseSettings):
    """Settings of one collector process; mappings are given as JSON.

    How long rows are kept is a setting of the store (`TACHOGRAPH_STORE_RETENTION_DAYS`, …).
    """

    model_config = SettingsConfigDict(
        env_prefix="TACHOGRAPH_COLLECTOR_",
        extra="ignore",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,  # it would show the key
    )

    host: str = "127.0.0.1"
    """Address to listen on; loopback unless told otherwise."""

    port: int = Field(default=4318, ge=0, le=65535)
    """Port for OTLP/HTTP and REST; 0 takes a free one."""

    grpc_port: Annotated[int, Field(ge=0, le=65535)] | Literal["off"] = 4317
    """Port for OTLP/gRPC on the same address; 0 takes a free one, as does a `port` of 0 when this is
    not set; `off` opens none."""

    processes: int = Field(default=1, ge=1, le=64)
    """Processes behind these ports; each has a journal, and so the memory and disk, of its own. Not
    set, `tachograph up` starts two, with more than five cores half as many as cores, at most four."""

    anonymous: Literal["loopback", "off"] = "loopback"
    """Whether loopback callers without a key belong to project `default`."""

    max_compressed_body_bytes: int = Field(default=16 * MIB, ge=1024)
    """Bytes of one body as sent."""

    max_body_bytes: int = Field(default=64 * MIB, ge=1024)
    """Bytes of one body after decompression."""

    max_in_flight_bytes: int = Field(default=256 * MIB, ge=1024)
    """Bytes of all bodies being handled; above it callers get 429 with Retry-After."""

    retry_after_s: int = Field(default=2, ge=1, le=600)
    """Retry-After of refusals that pass."""

    max_attributes: int = Field(default=256, ge=8)
    """Attributes kept in a span's map; typed columns come on top."""

    max_attribute_bytes: int = Field(default=64 * 1024, ge=256)
    """Bytes of one attribute; longer ones are cut and marked."""

    max_content_bytes: int = Field(default=4 * MIB, ge=1024)
    """Bytes of prompt, completion and context each; longer ones are cut and marked."""

    max_events: int = Field(default=128, ge=0)
    """Events kept of one span."""

    max_links: int = Field(default=128, ge=0)
    """Links kept of one span."""

    max_block_rows: int = Field(default=10_000, ge=1)
    """Rows of one insert; what lies in the journal is merged up to it. While more wait and the store
    takes fewer than come, answers wait too, 2 s at most."""

    max_block_bytes: int = Field(default=64 * MIB, ge=1024)
    """Bytes of journal records that share one insert, or one write to the journal."""

    journal_dir: Path | None = None
    """Directory of the journals; not set: `<home>/journal`. It holds prompts until they are stored."""

    journal_max_bytes: int = Field(default=1024 * MIB, ge=MIB)
    """Bytes the journal may hold; above it callers get 503 with Retry-After."""

    journal_segment_bytes: int = Field(default=32 * MIB, ge=64 * 1024)
    """Bytes after which a new segment begins; drained segments are deleted whole."""

    quarantine_max_bytes: int = Field(default=64 * MIB, ge=0)
    """Bytes of refused rows that are kept for people to look at."""

    refusal_patience_s: float = Field(default=60.0, ge=0, le=3600)
    """Seconds that a block which the engine refuses for a reason nobody knows is tried again, before
    its rows are tried one by one and those that it goes on refusing are set aside."""

    ledger_interval_s: float = Field(default=5.0, gt=0, le=60)
    """Seconds between two lines in the books."""

    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    """Currency of all costs."""

    currency_per_usd: Decimal | None = Field(default=None, gt=0)
    """Rate that turns list prices (USD) into `currency`; needed when it is not USD."""

    gpu_hour_price: Decimal | None = Field(default=None, ge=0)
    """Price of one GPU for an hour, amortised: with GPU-seconds it makes the compute cost."""

    machine_hour_price: Decimal | None = Field(default=None, ge=0)
    """Price of the engine's machine for an hour; used where no GPU-seconds are known."""

    electricity_price_kwh: Decimal | None = Field(default=None, ge=0)
    """Price of a kilowatt-hour; with joules it is added to the compute cost."""

    hosted_equivalents: dict[str, str] = Field(default_factory=dict)
    """Local model -> the hosted model whose list price it is compared with."""

    redact: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Project -> what is replaced by marks before anything is written, `*` for all other projects:
    categories (`pii`, `name`, `secret`) or types (`email`, `credit_card`, …)."""

    redact_key: SecretStr | None = None
    """Makes a mark tell equal values apart by a keyed hash, `<EMAIL:kfdnbmpaolci>`; 16 bytes or more."""

    @model_validator(mode="after")
    def _redaction_is_known(self) -> Self:
        key = self.redact_key.get_secret_value().encode() if self.redact_key else None
        for project, names in self.redact.items():
            try:
                Redactor.of(names, key)
            except ValueError as error:
                raise ValueError(
                    f"TACHOGRAPH_COLLECTOR_REDACT, project {project}: {error}"
                ) from None
        return self

    @model_validator(mode="after")
    def _free_grpc_port_beside_a_free_port(self) -> Self:
        if self.port == 0 and "grpc_port" not in self.model_fields_set:
            self.grpc_port = 0
        if self.port and self.port == self.grpc_port:
            raise ValueError(
                f"port and grpc_port are both {self.port}; change TACHOGRAPH_COLLECTOR_GRPC_PORT"
            )
        return self

    @model_validator(mode="after")
    def _room_for_one_body(self) -> Self:
        if self.max_in_flight_bytes < self.max_body_bytes:
            raise ValueError(
                "max_in_flight_bytes is smaller than max_body_bytes: a body of that size would be "
                "refused for ever; raise TACHOGRAPH_COLLECTOR_MAX_IN_FLIGHT_BYTES"
            )
        return self
