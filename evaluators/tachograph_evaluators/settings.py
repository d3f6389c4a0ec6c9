"""Settings of the evaluators (`TACHOGRAPH_EVALUATORS_*`)."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

EMBEDDED_BROKER = "filesystem://"


def _broker_scheme(url: str) -> str:
    scheme = url.partition("://")[0]
    if scheme not in ("filesystem", "redis", "rediss", "amqp", "amqps", "unix"):
        raise ValueError(
            f"broker scheme {scheme!r} is not served; use filesystem:// (embedded), "
            "redis://host:6379/0 or amqp://user:password@host//"
        )
    return url


def _names(value: object) -> object:
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    return value


class EvaluatorSettings(BaseSettings):
    """What the worker and the beat need to know; every duration is in seconds."""

    model_config = SettingsConfigDict(
        env_prefix="TACHOGRAPH_EVALUATORS_", extra="ignore", use_attribute_docstrings=True
    )

    broker_url: Annotated[str, AfterValidator(_broker_scheme)] = EMBEDDED_BROKER
    """`filesystem://` keeps the queue under `<home>/broker`; `redis://…` and `amqp://…` by URL."""

    broker_polling_interval_s: float = Field(default=0.1, gt=0, le=5)
    """How often the embedded broker looks for a message."""

    enabled: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = ()
    """Evaluators to run, by name, comma separated; empty means all that are installed."""

    embedding_model: str = ""
    """A sentence-transformers model by name or path; empty is MiniLM from its own package."""

    torch_threads: int = Field(default=2, ge=1)
    """CPU threads of one scoring process."""

    embedding_cache_entries: int = Field(default=8192, ge=0)
    """Sentence embeddings kept in memory (1.5 kB each)."""

    plan_interval_s: float = Field(default=2.0, gt=0)
    """Seconds between two looks for answers to score."""

    sweep_interval_s: float = Field(default=5.0, gt=0)
    """How often leases that ran out, and answers that waited for their trace, are sent again."""

    anti_join_interval_s: float = Field(default=3600.0, gt=0)
    """How often all spans of the backfill window are compared with all scores."""

    rules: Path | None = None
    """The file that says which answers are judged by what; `<TACHOGRAPH_HOME>/evaluation.toml` when
    unset. Without the file everything is judged by everything."""

    alert_rules: Path | None = None
    """The alert rule file; `<TACHOGRAPH_HOME>/alerts.toml` when unset."""

    alert_interval_s: float = Field(default=5.0, gt=0)
    """Seconds between two evaluations of the alert rules."""

    delivery_interval_s: float = Field(default=2.0, gt=0)
    """Seconds between two looks for webhooks that are due."""

    overlap_s: float = Field(default=60.0, ge=0)
    """How far behind its cursor the planner reads again: a slow insert shows up late."""

    context_wait_s: float = Field(default=60.0, ge=0)
    """How long an answer without context waits for the rest of its trace before `not_applicable`."""

    context_retry_s: float = Field(default=3.0, gt=0)
    """Pause between two looks for the rest of the trace."""

    backfill_window_s: float = Field(default=86_400.0, gt=0)
    """A first start, and the anti-join, reach this far back by `stored_at`."""

    batch_answers: int = Field(default=16, ge=1, le=512)
    """A message names at most this many answers, fewer where its evaluators like smaller batches."""

    batch_bytes: int = Field(default=8_000_000, ge=1)
    """A message names answers of at most this many bytes of text."""

    max_queued_batches: int = Field(default=8, ge=1)
    """The planner sends no hint while more than this many wait: a queue may not grow."""

    time_limit_s: float = Field(default=120.0, gt=0)
    """A scoring process that works longer than this on one batch is killed."""

    start_limit_s: float = Field(default=60.0, gt=0)
    """A hint that waited longer than this is thrown away; its lease is sent again."""

    max_attempts: int = Field(default=3, ge=1)
    """Times a worker begins one evaluation before it is parked with its reason."""

    retry_pause_s: float = Field(default=10.0, ge=0)
    """Pause after an evaluator failed, doubled with each attempt."""

    concurrency: int = Field(default=1, ge=1)
    """Scoring processes of one worker; each holds its own models (up to 1.3 GB, on a GPU 2.1)."""

    max_memory_per_child_kb: int | None = Field(default=None, ge=200_000)
    """A scoring process above this is replaced after its batch; unset: 1,500,000, and 4,000,000 where
    there is an NVIDIA GPU, whose libraries alone take a gigabyte."""
