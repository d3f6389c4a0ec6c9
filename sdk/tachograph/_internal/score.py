"""Scores given by people and programs, sent as OTel log events `gen_ai.evaluation.result`."""

import math
import re
from typing import Final

from tachograph._internal import clock
from tachograph._internal.client import current_client, current_ids
from tachograph._internal.delivery import AttributeValue, LogEvent
from tachograph._internal.errors import WrongArgument, contained
from tachograph._internal.facts import current_facts
from tachograph._internal.serverless import EXPORT_TIMEOUT_S
from tachograph._internal.truncate import truncated, well_formed
from tachograph.semconv import scores
from tachograph.types import Ids

_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_SPAN_ID: Final = re.compile(r"[0-9a-f]{16}")
_MAX_COMMENT_BYTES: Final = 16 * 1024


def score(
    name: str,
    value: float | None = None,
    *,
    label: str | None = None,
    comment: str | None = None,
    trace_id: str | None = None,
    span_id: str | None = None,
) -> bool:
    """Judge an answer: `tachograph.score("thumbs", 1, comment="right and short")`.

    `value` lies between 0 and 1, 1 is good; without a value give a `label`. The span judged is
    the current one unless `trace_id` and `span_id` name another (from `Span.ids`). True when the
    score was queued; False, with a line in the log, when it could not be.
    """
    with contained(f"recording the score {name!r}"):
        client = current_client()
        if client is None:
            return False
        ids = _ids(trace_id, span_id)
        if value is None and label is None:
            raise WrongArgument("value and label: give at least one")
        if value is not None and not (math.isfinite(value) and 0.0 <= value <= 1.0):
            raise WrongArgument("value: needs a number from 0 to 1")
        attributes: dict[str, AttributeValue] = {scores.EVALUATION_NAME: well_formed(name)}
        if value is not None:
            attributes[scores.SCORE_VALUE] = float(value)
        if label is not None:
            attributes[scores.SCORE_LABEL] = well_formed(label)
        if comment is not None:
            text = client.builder.masked(comment)
            attributes[scores.EXPLANATION] = truncated(well_formed(text), _MAX_COMMENT_BYTES)[0]
        facts = current_facts()
        event = LogEvent(
            name=scores.EVENT_NAME,
            time_unix_nano=clock.wall_ns(),
            attributes={**facts.attributes(facts.capture or client.settings.capture), **attributes},
            trace_id=ids.trace_id,
            span_id=ids.span_id,
        )
        is_queued = client.delivery.submit_log(event)
        if client.settings.serverless and current_ids() is None:
            client.delivery.flush(EXPORT_TIMEOUT_S)  # no outermost span will end after it
        return is_queued
    return False


def _ids(trace_id: str | None, span_id: str | None) -> Ids:
    if trace_id is None and span_id is None:
        ids = current_ids()
        if ids is None:
            raise WrongArgument("trace_id and span_id: give them outside of a recorded span")
        return ids
    if not (trace_id and _TRACE_ID.fullmatch(trace_id) and span_id and _SPAN_ID.fullmatch(span_id)):
        raise WrongArgument("trace_id and span_id: need 32 and 16 lower-case hex digits")
    return Ids(trace_id, span_id)
