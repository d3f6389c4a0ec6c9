"""What `wrap` was told."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class WrapArguments:
    """The arguments of `tachograph.wrap`, for whichever wrapper they reach."""

    provider: str | None = None
    ask_usage: bool = False
    propagate: bool | None = None
    tokenizer: Any = None
    perplexity: bool = False
