"""Truncation: did the answer end, or was it cut off?"""

import re
from collections.abc import Sequence
from typing import Final

from tachograph_evaluators.evaluator import Score, not_applicable, verdict

THRESHOLD: Final = 0.5

_CUT_REASONS: Final = frozenset({"length", "max_tokens", "model_length", "max_output_tokens"})
_TAIL_CHARS: Final = 300
_MIN_CHARS: Final = 40  # shorter answers are words, not sentences
_ENDS: Final = re.compile(
    r"[.!?…。！？।)\]}\"'”’»*_`|>:;~%]\s*$|[\U0001F300-\U0001FAFF]\s*$|[^\w\s]\s*$"
)
_DANGLING: Final = re.compile(
    r"(?i)(?:,|-|–|\b(?:and|or|but|the|a|an|of|to|in|on|with|for|that|which|is|are|was|were|und|"
    r"oder|der|die|das|et|le|la|les|y|el|los|de))\s*$"
)
_LIST_ITEM: Final = re.compile(r"^\s*(?:[-*•+]|\d{1,3}[.)])\s")


def judge(response: str, finish_reasons: Sequence[str] = ()) -> Score:
    """One `truncation` score: 1 for an answer that ended, 0 for one that was cut off."""
    text = response.rstrip()
    if not text:
        return not_applicable("truncation", "the answer is empty")
    value, reason = _weigh(text, finish_reasons)
    start = max(0, len(text) - 40)
    return Score(
        name="truncation",
        value=value,
        label=verdict(value, THRESHOLD),
        explanation=reason,
        offsets=[(start, len(text), "cut off")] if value < THRESHOLD else [],
    )


def _weigh(text: str, finish_reasons: Sequence[str]) -> tuple[float, str]:
    stated = _CUT_REASONS.intersection(finish_reasons)
    if stated:
        return 0.0, f"the engine ended it for {', '.join(sorted(stated))}"
    if finish_reasons:
        return 1.0, f"the engine ended it for {', '.join(sorted(set(finish_reasons))[:4])}"
    if text.count("```") % 2:
        return 0.1, "a code block is not closed"
    tail = text[-_TAIL_CHARS:]
    last = tail.rpartition("\n")[2]
    if _DANGLING.search(last):
        return 0.15, "it ends in the middle of a sentence"
    is_prose = len(text) >= _MIN_CHARS and not _LIST_ITEM.match(last) and len(last.split()) > 6
    if is_prose and not _ENDS.search(last):
        return 0.4, "its last sentence has no end"
    return 0.9, "nothing says that it was cut off; the engine stated no finish reason"
