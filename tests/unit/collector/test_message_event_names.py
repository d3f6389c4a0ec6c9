"""What the collector keeps as an event with messages, the planner knows for one."""

from tachograph_collector.translate.message_events import EVENT_NAMES
from tachograph_store.message_events import MESSAGE_EVENTS


def test_both_ends_know_the_same_names() -> None:
    assert MESSAGE_EVENTS == set(EVENT_NAMES)
