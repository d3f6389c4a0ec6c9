"""The evaluators of one scoring process, loaded in the background from the moment it starts."""

import functools
import logging
import threading
import time
from collections.abc import Mapping

from tachograph_evaluators import heap, model_state, registry
from tachograph_evaluators.app import settings
from tachograph_evaluators.evaluator import Evaluator
from tachograph_evaluators.scoring import Scorer
from tachograph_store.client import connect
from tachograph_store.writer import Writer

_log = logging.getLogger(__name__)
_lock = threading.Lock()


@functools.cache
def _evaluators() -> Mapping[str, Evaluator]:
    """By name@version, warm; one that cannot warm up says why at its first answer."""
    started_s = time.monotonic()
    model_state.write(model_state.LOADING, seconds=0)
    heap.keep_small()
    found = registry.installed(settings.enabled)
    problems: list[str] = []
    for name, evaluator in found.items():
        try:
            evaluator.warm_up()
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it is told
            _log.exception("evaluator %r cannot load its models", name)
            problems.append(f"{name}: {error!r}")
    heap.trim()
    model_state.write(
        model_state.FAILED if problems else model_state.READY,
        seconds=time.monotonic() - started_s,
        error="; ".join(problems) or None,
    )
    return {identity(evaluator): evaluator for evaluator in found.values()}


def identity(evaluator: Evaluator) -> str:
    """`name@version`, as in leases and hints."""
    return f"{evaluator.name}@{evaluator.version}"


def warm_up_in_background() -> None:
    """Start loading; the first hint waits for it, the process's start does not."""
    threading.Thread(target=_load, name="warm-up", daemon=True).start()


def _load() -> Mapping[str, Evaluator]:
    with _lock:
        return _evaluators()


@functools.cache
def scorer() -> Scorer:
    """This process's scorer; made after Celery forked."""
    reader, writer = connect(role="reader"), Writer(connect(role="writer"))
    return Scorer(reader, writer, settings, _load())
