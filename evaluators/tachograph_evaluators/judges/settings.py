"""Settings of the judges that ask language models (`TACHOGRAPH_EVALUATORS_JUDGE_*`)."""

from decimal import Decimal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class JudgeSettings(BaseSettings):
    """Which models judge; every duration is in seconds."""

    model_config = SettingsConfigDict(
        env_prefix="TACHOGRAPH_EVALUATORS_JUDGE_", extra="ignore", use_attribute_docstrings=True
    )

    small_model: bool = True
    """Whether the small language model on this machine is a witness of `grounding` and
    `hallucination`; without it they are many times as fast, and less good: docs/evaluators.md."""

    url: str = ""
    """An OpenAI-compatible endpoint for `llm_judge`, `http://127.0.0.1:8000/v1`; empty: it is off."""

    engine_url: str = ""
    """The engine that gave the answers, asked again where an answer has no context, to see whether
    it says the same; empty: it is not asked."""

    model: str = ""
    """The model's name at both endpoints; empty takes the first that each lists."""

    api_key: SecretStr = SecretStr("")
    """Sent as bearer token."""

    input_price: Decimal = Field(default=Decimal(0), ge=0)
    """Money for a million input tokens."""

    output_price: Decimal = Field(default=Decimal(0), ge=0)
    """Money for a million output tokens."""

    timeout_s: float = Field(default=30.0, gt=0)
    """For one request."""

    samples: int = Field(default=4, ge=2, le=16)
    """Other answers to the same prompt that `hallucination` compares with: as many are looked up in the
    store, as often the engine is asked again."""

    max_chars: int = Field(default=12_000, ge=1000)
    """Of each text that is sent; the middle of a longer one is left out."""
