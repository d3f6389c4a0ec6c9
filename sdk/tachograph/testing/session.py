"""Record into a receiver of one's own for the length of a `with` block."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from tachograph._internal.errors import raise_in_tests
from tachograph._internal.lifecycle import _init, shutdown
from tachograph.testing.clock import ManualClock
from tachograph.testing.ids import SequentialIds
from tachograph.testing.receiver import Receiver


@contextmanager
def recording(*, clock: ManualClock | None = None, **arguments: Any) -> Iterator[Receiver]:
    """Start a `Receiver`, `init` the SDK into it with `arguments`, and shut both down after.

    Content is captured in full unless `capture` says otherwise, ids are sequential, and errors
    inside the SDK are raised instead of logged. With a `clock`, times are what it says.
    """
    with Receiver() as receiver, nullcontext() if clock is None else clock.installed():
        former = raise_in_tests(True)
        try:
            _init(
                {"endpoint": receiver.endpoint, "capture": "full", **arguments},
                id_generator=SequentialIds(),
            )
            yield receiver
        finally:
            shutdown(5.0)
            raise_in_tests(former)
