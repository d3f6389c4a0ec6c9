"""Whose turn it is: a project forgets one user or session at a time."""

import socket
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from hashlib import blake2b
from typing import Final

from tachograph_store.forget import BEGUN
from tachograph_store.rollup import exclusive_job
from tachograph_store.rows import ForgetRequestRow
from tachograph_store.settings import home

_SILENT_NS: Final = 300_000_000_000
"""A request of another machine of which nothing was heard for so long is not worked on."""


def turn(project: str) -> AbstractContextManager[bool]:
    """Hold the project's lock of this machine; False when another thread or process has it."""
    digest = blake2b(project.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    return exclusive_job(home() / "forgetting" / f"{digest}.lock")


def is_taken(project: str) -> bool:
    """Whether somebody on this machine works for the project."""
    with turn(project) as is_free:
        return not is_free


def running(requests: Sequence[ForgetRequestRow], is_taken_here: bool) -> set[str]:
    """Ids of a project's requests that are being worked on; others that have no end were interrupted.

    Args:
        is_taken_here: whether the project's lock of this machine is held by somebody else.
    """
    host = socket.gethostname()
    begun = [request for request in requests if request.state == BEGUN]
    here = [request for request in begun if request.host == host]
    now = time.time_ns()
    found = {r.request_id for r in begun if r.host != host and now - r.version < _SILENT_NS}
    if is_taken_here and here:
        found.add(max(here, key=lambda request: request.version).request_id)
    return found
