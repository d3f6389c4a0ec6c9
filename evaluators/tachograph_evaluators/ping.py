"""Asking a worker whether it lives, over whatever broker it uses.

Celery's own ping needs fanout and leaves a binding behind for each worker that ever was; here the
question is an ordinary task and the answer an ordinary message in a queue of its own.
"""

import time
import uuid
from typing import Any, Final

from tachograph_evaluators.queues import queue

_POLL_S: Final = 0.05
_PREFIX: Final = "tachograph.pong."


def reply(connection: Any, reply_to: str, state: dict[str, Any]) -> None:
    """Put the answer into the asker's queue."""
    if not reply_to.startswith(_PREFIX):
        raise ValueError(f"{reply_to!r} is no queue of a ping")
    with connection.Producer(serializer="json") as producer:
        producer.publish(state, exchange="", routing_key=reply_to, declare=[queue(reply_to)])


def ask(app: Any, timeout_s: float) -> dict[str, Any] | None:
    """The state of the models of a worker that answered in time, None when none did."""
    reply_to = f"{_PREFIX}{uuid.uuid4().hex}"
    deadline_s = time.monotonic() + timeout_s
    with app.connection_for_write() as connection:
        channel = connection.channel()
        inbox: Any = queue(reply_to)(channel)
        inbox.declare()
        try:
            app.send_task("tachograph.ping", args=[reply_to], expires=timeout_s)
            while time.monotonic() < deadline_s:
                message = inbox.get(no_ack=True, accept=["json"])
                if message is not None:
                    return dict(message.payload)
                time.sleep(_POLL_S)
            return None
        finally:
            inbox.delete()
