"""No orphan holds a gigabyte: a process leaves when the one that started it is gone."""

import os
import threading
import time
from typing import Final

PARENT_VARIABLE: Final = "TACHOGRAPH_WORKER_PARENT_PID"

_CHECK_S: Final = 1.0


def end_with_parent() -> None:
    """Watch the parent that the environment names, if any; leave at once when it has died."""
    parent = os.environ.pop(PARENT_VARIABLE, None)
    if parent is not None:
        threading.Thread(
            target=_watch, args=(int(parent),), name="parent-watch", daemon=True
        ).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_CHECK_S)
    os._exit(1)  # nobody is left to be told; leases bring the batch back
