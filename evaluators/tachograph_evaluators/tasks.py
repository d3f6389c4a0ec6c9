"""Celery tasks of the queues `planning` and `scores`: thin, the work is elsewhere."""

import functools
import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from celery.signals import worker_process_init
from kombu.exceptions import OperationalError

from tachograph_evaluators import judging, model_state, ping, registry
from tachograph_evaluators.alerts.exclusive import exclusive
from tachograph_evaluators.alerts.rule_parser import RuleFileError
from tachograph_evaluators.app import app, settings
from tachograph_evaluators.backfill import Backfiller
from tachograph_evaluators.dispatch import Dispatch, Done
from tachograph_evaluators.hints import Hint
from tachograph_evaluators.planner import Planner
from tachograph_evaluators.queues import SCORES, depth
from tachograph_evaluators.rules.rule_file import RuleFile, rules_path
from tachograph_evaluators.sweep import Sweep
from tachograph_store.client import connect
from tachograph_store.errors import StoreUnavailable
from tachograph_store.settings import home
from tachograph_store.writer import Writer

_TURN_S: Final = 60.0

_log = logging.getLogger(__name__)
_turn = threading.Lock()  # held by the planner or the sweep of this process
_next_plan = threading.Lock()  # held by the planner that waits for its turn
_next_sweep = threading.Lock()  # held by the sweep that does


def _send(hint: Hint) -> None:
    score.apply_async(args=[hint.message()], queue=SCORES, expires=settings.start_limit_s)


def _room() -> int:
    with app.connection_or_acquire() as connection:
        return settings.max_queued_batches - depth(connection, SCORES)


@functools.cache
def _planning() -> tuple[Planner, Sweep, Backfiller]:
    found = registry.installed(settings.enabled).values()
    reader = connect(role="reader")
    batch_sizes = {judging.identity(evaluator): evaluator.batch_size for evaluator in found}
    dispatch = Dispatch(Writer(connect(role="writer")), settings, batch_sizes, _send, _room)
    rules = RuleFile(rules_path(settings), [evaluator.name for evaluator in found]).current
    planner = Planner(reader, dispatch, rules)
    return planner, Sweep(reader, dispatch, planner, rules), Backfiller(reader, dispatch)


def _plan() -> Done:
    planner, _, backfiller = _planning()
    return planner.plan() + backfiller.run()


def _alone(work: Callable[[], Done], what: str, waiting: threading.Lock) -> Done | None:
    """Run one of planner and sweep, one at a time on this machine; None when it was not done.

    Either waits for its turn, and one of each does: the two tick in step, so the one that comes
    second and gave up would never be let in by the other.
    """
    if not waiting.acquire(blocking=False):
        return None
    try:
        is_our_turn = _turn.acquire(timeout=_TURN_S)
    finally:
        waiting.release()
    if not is_our_turn:
        return None
    try:
        with exclusive(home() / "planner.lock") as is_ours:
            return work() if is_ours else None
    except (StoreUnavailable, OperationalError, OSError) as error:
        _log.warning("nothing %s: %s", what, error)
    except RuleFileError as error:
        _log.error("nothing %s until the evaluation rules are mended: %s", what, error)
    finally:
        _turn.release()
    return None


@app.task(name="tachograph.plan")  # type: ignore[untyped-decorator]
def plan() -> None:
    """Decide about what was stored since the last time, then carry backfills on."""
    done = _alone(_plan, "planned", _next_plan)
    if done and (done.hints or done.skipped):
        _log.info(
            "planned %d evaluations in %d batches, left out %d",
            *(done.leased, done.hints, done.skipped),
        )


@app.task(name="tachograph.sweep")  # type: ignore[untyped-decorator]
def sweep() -> None:
    """Send again what was lost, and what waited."""
    done = _alone(lambda: _planning()[1].sweep(), "swept", _next_sweep)
    if done and done.hints:
        _log.info("sent %d evaluations again in %d batches", done.leased, done.hints)


@app.task(  # type: ignore[untyped-decorator]
    name="tachograph.score",
    time_limit=settings.time_limit_s,
    soft_time_limit=0.9 * settings.time_limit_s,
)
def score(message: dict[str, Any]) -> None:
    """Judge the answers that a hint names."""
    try:
        hint = Hint.parse(message)
    except (KeyError, TypeError, ValueError):
        _log.exception("dropped a message that is no hint")
        return
    try:
        written = judging.scorer().score(hint)
    except StoreUnavailable as error:
        _log.warning("not scored, the leases will be sent again: %s", error)
        return
    _log.info("wrote %d scores for %d answers", written, len(hint.keys))


@app.task(name="tachograph.ping")  # type: ignore[untyped-decorator]
def answer_ping(reply_to: str) -> None:
    """Say that a worker is alive, and how far its models are."""
    with app.connection_or_acquire() as connection:
        ping.reply(connection, reply_to, model_state.read())


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _warm_up(**_: Any) -> None:
    judging.warm_up_in_background()
