"""What the scoring process says about its models, in a file that `worker --ping` shows.

Loading takes seconds, scoring may take longer than a ping waits, so the scoring process writes its
state down and the light worker beside it answers.
"""

import json
import os
import time
from pathlib import Path
from typing import Any, Final

from tachograph_store.settings import home

LOADING: Final = "loading"
READY: Final = "ready"
FAILED: Final = "failed"
ABSENT: Final = "absent"


def _path() -> Path:
    return home() / "worker-models.json"


def write(state: str, *, seconds: float, error: str | None = None) -> None:
    """Say how far the models of this process are."""
    document = {
        "state": state,
        "pid": os.getpid(),
        "seconds": round(seconds, 1),
        "error": error,
        "at": time.time(),
    }
    part = _path().with_suffix(f".{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file)
    part.replace(_path())


def read() -> dict[str, Any]:
    """The last word of the scoring process on this machine; `absent` when it does not run."""
    try:
        document = json.loads(_path().read_text(encoding="utf-8"))
        os.kill(int(document["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError):
        return {"state": ABSENT}
    return dict(document)
