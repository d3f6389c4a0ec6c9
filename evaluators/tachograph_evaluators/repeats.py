"""Other answers to the same prompt, out of the store: what self-consistency compares with."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from tachograph_evaluators.messages import answer_text
from tachograph_store.client import Store
from tachograph_store.queries.evaluation import (
    AnswerKey,
    AnswerText,
    Repeat,
    evaluation_repeats,
)

LOOK_BACK_S: Final = 86_400.0
"""Answers that began longer before are not looked for."""

_STEPS_S: Final = (60.0, 600.0, 3600.0, 6 * 3600.0, LOOK_BACK_S)
# Growing: a prompt that is asked all the time is found at once, and reads few minutes.

_MAX_BYTES: Final = (
    32_000  # of one recorded answer; of a longer one only the beginning would be read
)


def repeats(
    store: Store, project: str, texts: Mapping[AnswerKey, AnswerText], most: int
) -> dict[AnswerKey, list[str]]:
    """Texts of at most `most` other answers of the same model to the prompt of each answer.

    Raises StoreError.
    """
    found: dict[AnswerKey, list[str]] = {}
    lacking = {key: text for key, text in texts.items() if text.prompt and text.prompt_hash}
    for before_s in _STEPS_S:
        if not lacking:
            break
        hashes = [text.prompt_hash for text in lacking.values()]
        rows = evaluation_repeats(
            store, project, list(lacking), hashes, before_s, most + 1, _MAX_BYTES
        )
        by_prompt: dict[tuple[int, str | None], list[Repeat]] = defaultdict(list)
        for row in rows:
            by_prompt[row.prompt_hash, row.model].append(row)
        for key, text in lacking.items():
            found[key] = _others(text, by_prompt[text.prompt_hash, text.model], most)
        lacking = {key: text for key, text in lacking.items() if len(found[key]) < most}
    return found


def _others(text: AnswerText, rows: Sequence[Repeat], most: int) -> list[str]:
    others = [
        row.completion
        for row in rows
        if (row.trace_id, row.span_id) != (text.trace_id, text.span_id)
        # The caller's span of the same request, before it is known not to count.
        and not (row.trace_id == text.trace_id and row.completion == text.completion)
    ]
    return [answer_text(completion) or "" for completion in others[:most]]
