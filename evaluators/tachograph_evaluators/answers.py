"""Answers ready to judge, and the contexts they may rely on.

The counted span is the sidecar's as a rule and knows no context; the caller's span for the same
request does, or a retrieval in the same trace. Those may be stored later than the answer, since
each span is sent when it ends. So an answer without context is `incomplete` until its trace's
root has been stored: a root ends last.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from tachograph_evaluators.evaluator import Answer
from tachograph_evaluators.messages import answer_text, conversation_text, question_text
from tachograph_evaluators.repeats import repeats
from tachograph_store.client import Store
from tachograph_store.queries.evaluation import (
    AnswerKey,
    AnswerText,
    Relative,
    evaluation_relatives,
)
from tachograph_store.queries.told import find_texts

TRACE_MARGIN_S: Final = 3600.0
"""A retrieval or parent that began longer before the answer is not looked for."""

_MAX_CONTEXT_CHARS: Final = 2_000_000
_RETRIEVAL: Final = "retrieval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One answer and what the scores' rows need besides."""

    key: AnswerKey
    answer: Answer
    is_complete: bool  # no further context can arrive
    stored_us: int
    expires_on: date


def load(
    store: Store, project: str, keys: Sequence[AnswerKey], samples: int = 0
) -> dict[AnswerKey, Loaded]:
    """The answers that are stored, each with its context when one is known.

    One without context comes with at most `samples` other answers to its prompt. Raises StoreError.
    """
    texts = find_texts(store, project, keys)
    by_span = {(text.trace_id, text.span_id): text for text in texts}
    wanted = [key for key in keys if (key.trace_id, key.span_id) in by_span]
    lacking = [key for key in wanted if not by_span[key.trace_id, key.span_id].context]
    traces: dict[str, list[Relative]] = defaultdict(list)
    if lacking:
        for relative in evaluation_relatives(store, project, lacking, TRACE_MARGIN_S):
            traces[relative.trace_id].append(relative)
    loaded = {
        key: _loaded(project, key, by_span[key.trace_id, key.span_id], traces.get(key.trace_id, []))
        for key in wanted
    }
    if samples:
        bare = {
            key: by_span[key.trace_id, key.span_id]
            for key, one in loaded.items()
            if not one.answer.context
        }
        for key, others in repeats(store, project, bare, samples).items():
            answer = replace(loaded[key].answer, samples=tuple(others))
            loaded[key] = replace(loaded[key], answer=answer)
    return loaded


def _loaded(
    project: str, key: AnswerKey, text: AnswerText, relatives: Sequence[Relative]
) -> Loaded:
    context = text.context or found_context(text, relatives)
    answer = Answer(
        project=project,
        trace_id=text.trace_id,
        span_id=text.span_id,
        span_time=text.start_ns,
        response=answer_text(text.completion),
        prompt=question_text(text.prompt),
        conversation=conversation_text(text.prompt),
        context=context,
        finish_reasons=tuple(text.finish_reasons),
        perplexity=text.perplexity,
        model=text.model,
        tenant=text.tenant,
        variant=text.variant,
    )
    return Loaded(
        key=key,
        answer=answer,
        is_complete=bool(context) or has_root(text, relatives),
        stored_us=text.stored_us,
        expires_on=text.expires_on,
    )


def found_context(text: AnswerText, relatives: Sequence[Relative]) -> str | None:
    """The nearest ancestor's context; else what retrievals of the trace had found by then."""
    by_id = {relative.span_id: relative for relative in relatives}
    for ancestor in _ancestors(text, by_id):
        if ancestor.context:
            return ancestor.context
    retrieved = [
        relative.context
        for relative in sorted(relatives, key=lambda relative: relative.start_ns)
        if relative.operation == _RETRIEVAL
        and relative.context
        and relative.start_ns <= text.start_ns
    ]
    return "\n\n".join(retrieved)[:_MAX_CONTEXT_CHARS] or None


def has_root(text: AnswerText, relatives: Sequence[Relative]) -> bool:
    """Whether the way from the answer up to its trace's root is stored."""
    by_id = {relative.span_id: relative for relative in relatives}
    parent = text.parent_span_id
    for ancestor in _ancestors(text, by_id):
        parent = ancestor.parent_span_id
    return parent == ""


def _ancestors(text: AnswerText, by_id: Mapping[str, Relative]) -> list[Relative]:
    found: list[Relative] = []
    seen = {text.span_id}
    parent = text.parent_span_id
    while parent in by_id and parent not in seen:
        seen.add(parent)
        found.append(by_id[parent])
        parent = by_id[parent].parent_span_id
    return found
