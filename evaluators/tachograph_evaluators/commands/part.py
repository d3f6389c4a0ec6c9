"""One of the worker's two processes: a Celery worker with the queues and the pool of its part."""

import logging
import os
import socket
import warnings
from typing import Final

from celery.exceptions import SecurityWarning

from tachograph_evaluators.app import app, settings
from tachograph_evaluators.child_memory import max_memory_kb
from tachograph_evaluators.commands.consumer_watch import end_when_stuck, leave
from tachograph_evaluators.commands.orphans import end_with_parent
from tachograph_evaluators.queues import ALERTS, PLANNING, SCORES

_LIGHT_THREADS: Final = 5  # planner and sweep, one of each at work or waiting; alerts


def run_part(part: str, log_level: str) -> int:
    """Work until SIGTERM or SIGINT; the exit status of the Celery worker."""
    end_with_parent()
    # Celery fears pickles run as root; messages here are JSON only.
    warnings.simplefilter("ignore", SecurityWarning)
    for chatty in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(chatty).setLevel(logging.WARNING)  # two lines a tick say nothing
    is_scoring = part == "scoring"
    queues = [SCORES] if is_scoring else [PLANNING, ALERTS]
    end_when_stuck(queues, leave)
    worker = app.Worker(
        hostname=f"{part}-{os.getpid()}@{socket.gethostname()}",
        loglevel=log_level,
        pool="prefork" if is_scoring else "threads",
        concurrency=settings.concurrency if is_scoring else _LIGHT_THREADS,
        max_memory_per_child=(
            max_memory_kb(settings.max_memory_per_child_kb) if is_scoring else None
        ),
        queues=queues,
        optimization="fair",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)
