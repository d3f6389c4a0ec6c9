"""Celery tasks of the queue `alerts`: the clock's ticks, handed to the runtime."""

import functools
import logging
from datetime import UTC, datetime

from tachograph_evaluators.alerts.runtime import AlertRuntime, rules_path
from tachograph_evaluators.app import app, settings
from tachograph_store.client import connect
from tachograph_store.errors import StoreUnavailable
from tachograph_store.settings import home
from tachograph_store.writer import Writer

_log = logging.getLogger(__name__)


@functools.cache
def _runtime() -> AlertRuntime:
    """This process's runtime; made at the first task, after Celery forked."""
    reader, writer = connect(role="reader"), Writer(connect(role="writer"))
    return AlertRuntime(rules_path(settings), home(), reader, writer)


@app.task(name="tachograph.alerts.evaluate")  # type: ignore[untyped-decorator]
def evaluate() -> None:
    """Evaluate all alert rules once. While the store is away nothing is lost: windows roll."""
    try:
        outcome = _runtime().evaluate(datetime.now(UTC))
    except StoreUnavailable as error:
        _log.warning("alert rules were not evaluated: %s", error)
        return
    if outcome is not None and outcome.messages:
        _log.info("%d alert messages to send, %d rules firing", outcome.messages, outcome.firing)


@app.task(name="tachograph.alerts.deliver")  # type: ignore[untyped-decorator]
def deliver() -> None:
    """Send the alert messages that are due. While the store is away they wait in it."""
    try:
        outcome = _runtime().deliver(datetime.now(UTC))
    except StoreUnavailable as error:
        _log.warning("alert messages were not sent: %s", error)
        return
    if outcome is not None and outcome.delivered + outcome.retrying + outcome.failed:
        _log.info(
            "alert messages: %d delivered, %d to be tried again, %d failed",
            outcome.delivered,
            outcome.retrying,
            outcome.failed,
        )
