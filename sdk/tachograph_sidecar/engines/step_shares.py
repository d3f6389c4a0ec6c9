"""Prompt tokens of each request in a slice of time, as the engine's steps tell."""

from collections.abc import Sequence
from typing import Protocol

from tachograph_sidecar.engines.steps import StepTimeline


class Prompt(Protocol):
    """A request whose prompt is computed; times on the steps' clock.

    Attributes:
        sent_ns: when it reached the engine.
        first_ns: when its first output came; None before.
        prompt_tokens: to compute, without cached ones.
        prefilled: those already put into earlier slices.
    """

    sent_ns: int
    first_ns: int | None
    prompt_tokens: float
    prefilled: float


def prompts_in(
    steps: StepTimeline, prompts: Sequence[Prompt], start_ns: int, stop_ns: int
) -> list[float | None]:
    """Of each prompt the tokens computed in [start, stop); None where the steps do not tell.

    Where the first output came, the steps right before it had the prompt. What the engine computed
    beyond those goes to the prompts that still wait, in the order of their coming, which is the
    engine's.
    """
    found: list[float | None] = [
        None if one.first_ns is None else _known(steps, one, one.first_ns, start_ns, stop_ns)
        for one in prompts
    ]
    computed = steps.all_in(start_ns, stop_ns)
    if computed is None:
        return found
    left = computed - sum(tokens or 0.0 for tokens in found)
    for place, one in enumerate(prompts):
        if one.first_ns is None:
            tokens = min(max(0.0, left), max(0.0, one.prompt_tokens - one.prefilled))
            found[place] = tokens
            left -= tokens
    return found


def _known(
    steps: StepTimeline, one: Prompt, first_ns: int, start_ns: int, stop_ns: int
) -> float | None:
    inside = steps.prompt_in(
        start_ns, stop_ns, sent_ns=one.sent_ns, first_ns=first_ns, tokens=one.prompt_tokens
    )
    left = max(0.0, one.prompt_tokens - one.prefilled)
    if inside is None or first_ns > stop_ns:
        return None if inside is None else min(left, inside)
    return left  # also what earlier slices were short of, while its end was not known
