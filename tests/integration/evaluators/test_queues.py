"""How many messages wait, asked of a broker that may not answer."""

from pathlib import Path
from typing import Any

import psutil
import pytest
from kombu.connection import Connection
from tests.fixtures.brokers import running_rabbitmq

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
