"""The token rule: input includes cached tokens, output includes reasoning tokens. Always.

`cache_read_tokens`, `cache_write_tokens` and `reasoning_tokens` are parts of the two and are never
added to them by anyone who reads. OTel GenAI says so, and so do OpenAI, OpenInference and
OpenLLMetry. Anthropic, Bedrock and Langfuse count the parts apart; what they say is added up here,
once. Which of the two a span means is decided so, the first that applies:

1. Parts that are larger than the whole are apart.
2. The dialect and the provider have an `Exclusive` line, with its source: apart.
3. The sender's total equals the sum without the parts, or the sum with them.
4. Langfuse's `usage_details` with kinds of its own: apart.
5. Otherwise the parts are included, as the convention asks.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from tachograph_collector.translate.columns import EXCLUSIVE
from tachograph_collector.translate.dialects.table import TOTAL_TOKENS, USAGE

Usage = Mapping[str, int]

OPENAI_USAGE: Final[Mapping[str, str]] = {
    "prompt_tokens": "input_tokens",
    "input_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "output_tokens": "output_tokens",
    "total_tokens": TOTAL_TOKENS,
    "prompt_tokens_details.cached_tokens": "cache_read_tokens",
    "input_tokens_details.cached_tokens": "cache_read_tokens",
    "prompt_tokens_details.cache_write_tokens": "cache_write_tokens",
    "completion_tokens_details.reasoning_tokens": "reasoning_tokens",
    "output_tokens_details.reasoning_tokens": "reasoning_tokens",
}
"""OpenAI's usage object: the details are parts."""

SEPARATE_USAGE: Final[Mapping[str, str]] = {
    "input": "input_tokens",
    "input_tokens": "input_tokens",
    "output": "output_tokens",
    "output_tokens": "output_tokens",
    "total": TOTAL_TOKENS,
    "total_tokens": TOTAL_TOKENS,
    "input_cached_tokens": "cache_read_tokens",
    "input_cache_read": "cache_read_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cached_tokens": "cache_read_tokens",
    "input_cache_creation": "cache_write_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
    "output_reasoning_tokens": "reasoning_tokens",
    "output_reasoning": "reasoning_tokens",
    "reasoning_tokens": "reasoning_tokens",
}
"""Langfuse's and Anthropic's: every kind apart. Of Langfuse's other kinds (`input_audio_tokens`, …)
those with `input` in their name are input, those with `output` output, as Langfuse adds them."""

_OPENAI_ONLY: Final = frozenset({"prompt_tokens", "completion_tokens"})


def settle_tokens(columns: dict[str, Any], scope_name: str) -> None:
    """Make the token columns of one span follow the rule, in place."""
    usage: Usage | None = columns.pop(USAGE, None)
    total: int | None = columns.pop(TOTAL_TOKENS, None)
    is_separate = False
    if usage is not None:
        is_separate = _OPENAI_ONLY.isdisjoint(usage) and not any("." in kind for kind in usage)
        counts = _counts(usage, is_separate)
        total = counts.pop(TOTAL_TOKENS, total)
        for name, count in counts.items():
            columns.setdefault(name, count)
    cached = (columns.get("cache_read_tokens") or 0) + (columns.get("cache_write_tokens") or 0)
    reasoning = columns.get("reasoning_tokens") or 0
    given: int | None = columns.get("input_tokens")
    answered: int | None = columns.get("output_tokens")
    if given is not None and total is not None:
        missing = total - given - (answered or 0)
    else:
        missing = None
    if cached and given is not None:
        if missing is None or missing not in (0, cached, reasoning, cached + reasoning):
            is_apart = is_separate
        else:
            is_apart = missing in (cached, cached + reasoning)
        if cached > given or is_apart or is_exclusive(scope_name, columns.get("provider")):
            columns["input_tokens"] = given + cached
    if reasoning and answered is not None:
        if missing is None or missing not in (0, cached, reasoning, cached + reasoning):
            is_apart = is_separate and usage is not None and "output" in usage
        else:
            is_apart = missing in (reasoning, cached + reasoning) and missing != cached
        if reasoning > answered or is_apart:
            columns["output_tokens"] = answered + reasoning


@lru_cache(1024)
def is_exclusive(scope_name: str, provider: object) -> bool:
    """Whether spans of this scope leave cached tokens out of the input."""
    return any(
        scope_name.startswith(line.scope_prefix) and provider in line.providers
        for line in EXCLUSIVE
    )


def _counts(usage: Usage, is_separate: bool) -> dict[str, int]:
    names = SEPARATE_USAGE if is_separate else OPENAI_USAGE
    counts: dict[str, int] = {}
    for kind, count in usage.items():
        name = names.get(kind)
        if name is None and is_separate:
            name = next((f"{side}_tokens" for side in ("input", "output") if side in kind), None)
        if name is not None:
            counts[name] = counts.get(name, 0) + count
    return counts
