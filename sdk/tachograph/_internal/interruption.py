"""Spans that are still open when the process ends: SIGTERM in the middle of an answer."""

import gc
import os
from typing import Final

from tachograph._internal import clock
from tachograph._internal.errors import contained
from tachograph._internal.spans import Span

INTERRUPTED: Final = "interrupted"
"""`error.type` of a span that the end of its process cut short."""

_of_this_process_since_ns = 0
"""`clock.monotonic_ns()` of the fork: what was open before is the parent's to end."""


def end_open_spans() -> None:
    """End every open span of this process as failed, `interrupted`.

    They are looked for among all objects, once, here: a register of open spans would cost each
    call its upkeep, and keep alive what an application has forgotten to end.
    """
    for found in gc.get_objects():
        # By type: `isinstance` would run foreign code of objects that stand for others.
        if issubclass(type(found), Span):
            with contained("ending an open span"):
                _end(found)


def _end(span: Span) -> None:
    record = span._record
    if record is None or span._is_ended or record.started_at_ns < _of_this_process_since_ns:
        return
    span._fail(INTERRUPTED)
    span._end()


def _after_fork() -> None:
    global _of_this_process_since_ns
    _of_this_process_since_ns = clock.monotonic_ns()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
