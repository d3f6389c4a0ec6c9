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
from tachograph_store.queries.told import find_told_repeats, has_told

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
    lacking = {key: text for key, text in texts.items() if text.prompt}
    are_told = bool(lacking) and _has_told(store, project, list(lacking))
    for before_s in _STEPS_S:
        if not lacking:
            break
        keys, asked = list(lacking), lacking.values()
        limits = (before_s, most + 1, _MAX_BYTES)
        rows = evaluation_repeats(
            store, project, keys, [text.prompt_hash for text in asked], *limits
        )
        if are_told:
            rows += find_told_repeats(
                store, project, keys, [text.asked_hash for text in asked], *limits
            )
        by_prompt: dict[tuple[int, str | None], list[Repeat]] = defaultdict(list)
        for row in rows:
            by_prompt[row.prompt_hash, row.model].append(row)
        for key, text in lacking.items():
            found[key] = _others(text, by_prompt[text.prompt_hash, text.model], most)
        lacking = {key: text for key, text in lacking.items() if len(found[key]) < most}
    return found


def _has_told(store: Store, project: str, keys: Sequence[AnswerKey]) -> bool:
    starts_ns = [key.start_us * 1000 for key in keys]
    since_ns = min(starts_ns) - int(LOOK_BACK_S * 1e9)
    return has_told(
        store, {"project": project, "since_ns": since_ns, "until_ns": max(starts_ns) + 1}
    )


def _others(text: AnswerText, rows: Sequence[Repeat], most: int) -> list[str]:
    own = answer_text(text.completion)
    others = [
        (row.trace_id, answer_text(row.completion) or "")
        for row in rows
        if (row.trace_id, row.span_id) != (text.trace_id, text.span_id)
    ]
    # The caller's span of the same request, before it is known not to count, says the same.
    return [said for trace_id, said in others if (trace_id, said) != (text.trace_id, own)][:most]
