"""Test kit: an OTLP receiver in your process, ids and times that repeat, errors that show.

    from tachograph.testing import recording

    with recording() as receiver:
        my_function_under_test()
        (span,) = receiver.wait_for_spans(1)
        assert span.attributes["gen_ai.request.model"] == "llama"

With pytest, `pytest_plugins = ["tachograph.testing.pytest_plugin"]` gives the fixture
`tachograph_receiver`, which is the same thing.
"""

from tachograph.testing.clock import ManualClock
from tachograph.testing.ids import SequentialIds
from tachograph.testing.otlp import ReceivedEvent, ReceivedPoint, ReceivedSpan
from tachograph.testing.receiver import Fault, Receiver
from tachograph.testing.session import recording

__all__ = [
    "Fault",
    "ManualClock",
    "ReceivedEvent",
    "ReceivedPoint",
    "ReceivedSpan",
    "Receiver",
    "SequentialIds",
    "recording",
]
