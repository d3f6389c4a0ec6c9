"""Langfuse's usage types as token counts of which none is counted twice.

Langfuse lets a usage have any types; it takes those with `input` in their name together, and those
with `output`. What it stores apart is apart: cached tokens are no part of its `input`. Some senders
write them as parts all the same: where `total` is no more than plain input and output, they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tachograph_collector.translate.values import as_count


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the columns have them: cached ones are part of the input, reasoning of the output."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


def read_usage(details: object) -> Usage:
    """The counts in `usageDetails`, or in the older `usage`."""
    if not isinstance(details, Mapping):
        return Usage()
    counts = {
        str(name).lower(): count
        for name, value in details.items()
        if (count := as_count(_plain(value))) is not None
    }
    inputs = {n: c for n, c in counts.items() if "input" in n or n.startswith(("prompt", "cache"))}
    outputs = {n: c for n, c in counts.items() if "output" in n or n.startswith("completion")}
    plain_input = _first(inputs, "input", "input_tokens", "prompttokens", "prompt_tokens")
    plain_output = _first(
        outputs, "output", "output_tokens", "completiontokens", "completion_tokens"
    )
    total = _first(counts, "total", "total_tokens", "totaltokens")
    are_parts = total is not None and total == (plain_input or 0) + (plain_output or 0)
    return Usage(
        input_tokens=_whole(inputs, plain_input, are_parts),
        output_tokens=_whole(outputs, plain_output, are_parts),
        cache_read_tokens=_named(inputs, "cache", without="creat", also_without="write"),
        cache_write_tokens=_named(inputs, "creat") or _named(inputs, "cache_write"),
        reasoning_tokens=_named(outputs, "reasoning"),
    )


def _plain(value: Any) -> Any:
    return int(value) if hasattr(value, "as_tuple") and value == int(value) else value


def _first(counts: Mapping[str, int], *names: str) -> int | None:
    return next((counts[name] for name in names if name in counts), None)


def _whole(counts: Mapping[str, int], plain: int | None, are_parts: bool) -> int | None:
    if not counts:
        return None
    return plain if are_parts and plain is not None else sum(counts.values())


def _named(
    counts: Mapping[str, int], word: str, without: str = "\0", also_without: str = "\0"
) -> int | None:
    found = [
        count
        for name, count in counts.items()
        if word in name and without not in name and also_without not in name
    ]
    return sum(found) if found else None
