"""How many messages wait, asked of a broker that may not answer; and who notices that they wait."""

import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from kombu.connection import Connection
from tests.fixtures.brokers import running_rabbitmq, running_redis

from tachograph_evaluators.commands.consumer_watch import end_when_stuck
from tachograph_evaluators.queues import depth

_connect: Any = Connection  # kombu is not typed


def test_a_broker_that_takes_the_question_and_never_answers_holds_up_nobody(tmp_path: Path) -> None:
    with running_rabbitmq(tmp_path) as broker, _connect(broker.url) as connection:
        assert depth(connection, "nothing.here") == 0
        node = [p for p in psutil.Process().children(recursive=True) if "beam" in p.name()]
        for process in node:
            process.suspend()
        try:
            with pytest.raises(TimeoutError):
                depth(connection, "nothing.here")
        finally:
            for process in node:
                process.resume()
        assert depth(connection, "nothing.here") == 0


def test_a_part_ends_when_messages_wait_and_it_takes_none(tmp_path: Path) -> None:
    """This process has no consumer: to the watch, one that lost its broker's credit."""
    ended = threading.Event()
    with running_redis(tmp_path) as broker:
        end_when_stuck(["of.ours"], ended.set, lambda: _connect(broker.url), patience_s=1.0)
        assert not ended.wait(4.5)  # nothing waits
        with _connect(broker.url) as connection:
            connection.SimpleQueue("of.ours").put({"hint": 1})
            assert depth(connection, "of.ours") == 1
        assert ended.wait(180.0)
