"""The three queues: slow scoring never delays planning, and neither delays alerts."""

from typing import Any, Final

from kombu.entity import Exchange, Queue

SCORES: Final = "tachograph.scores"
PLANNING: Final = "tachograph.planning"
ALERTS: Final = "tachograph.alerts"


def queue(name: str) -> Queue:
    """A queue of ours; the default exchange routes to it by its name."""
    return Queue(name, exchange=Exchange(""), routing_key=name)  # type: ignore[no-untyped-call]


def depth(connection: Any, name: str) -> int:
    """Messages that wait in a queue, 0 when it does not exist yet.

    Raises OperationalError or OSError while the broker is away.
    """
    connection.ensure_connection(max_retries=1)  # a pooled one may have ended with its broker
    channel = connection.channel()
    try:
        return int(channel.queue_declare(queue=name, passive=True).message_count)
    except connection.channel_errors:
        return 0
    finally:
        if channel.connection is not None:
            channel.close()
