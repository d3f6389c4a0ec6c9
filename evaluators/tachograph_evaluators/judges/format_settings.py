"""Settings of the format checks (`TACHOGRAPH_EVALUATORS_FORMAT_*`)."""

import re
from pathlib import Path

from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class FormatSettings(BaseSettings):
    """What every answer must look like; unset, answers are held to what they claim to be."""

    model_config = SettingsConfigDict(
        env_prefix="TACHOGRAPH_EVALUATORS_FORMAT_", extra="ignore", use_attribute_docstrings=True
    )

    require_json: bool = False
    """Whether every answer must be one JSON value."""

    json_schema: Path | None = None
    """A JSON schema that every answer must satisfy (needs the package jsonschema)."""

    pattern: str = ""
    """A regular expression to be found in every answer; write it so that it runs in linear time."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return pattern
