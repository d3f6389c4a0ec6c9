"""The three queues: slow scoring never delays planning, and neither delays alerts."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

SCORES: Final = "tachograph.scores"
PLANNING: Final = "tachograph.planning"
ALERTS: Final = "tachograph.alerts"
_ANSWER_S: Final = 5.0


def queue(name: str) -> Queue:
    """A queue of ours; the default exchange routes to it by its name."""
    return Queue(name, exchange=Exchange(""), routing_key=name)  # type: ignore[no-untyped-call]


def depth(connection: Any, name: str) -> int:
    """Messages that wait in a queue, 0 when it does not exist yet.

    Raises OperationalError or OSError while the broker is away, or does not answer: a RabbitMQ that
    was killed may take a question while it recovers and never answer it.
    """
    connection.ensure_connection(max_retries=1)  # a pooled one may have ended with its broker
    try:
        with _within(connection, _ANSWER_S):
            return _depth(connection, name)
    except TimeoutError:
        connection.collect()  # the pool must not hand this one out again
        raise
    except connection.recoverable_connection_errors as error:
        raise OperationalError(str(error)) from error  # Redis's errors are no OSError


def _depth(connection: Any, name: str) -> int:
    channel = connection.channel()
    try:
        count = int(channel.queue_declare(queue=name, passive=True).message_count)
    except connection.channel_errors:
        count = 0
    if channel.connection is not None:
        channel.close()
    return count


def _within(connection: Any, timeout_s: float) -> AbstractContextManager[Any]:
    """A bound on each wait for the broker's answer, where the transport can have one (AMQP)."""
    transport = getattr(connection.connection, "transport", None)
    having_timeout = getattr(transport, "having_timeout", None)
    return nullcontext() if having_timeout is None else having_timeout(timeout_s)
