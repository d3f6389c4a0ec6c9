"""The embedded queue: messages whole, owner only, each for one consumer."""

import threading
from pathlib import Path
from typing import Any

from kombu.connection import Connection

from tachograph_evaluators import embedded_broker, ping
from tachograph_evaluators.queues import depth, queue
from tachograph_evaluators.settings import EvaluatorSettings


def connection(folder: Path) -> Any:
    embedded_broker.prepare_folder(folder)
    return Connection(  # type: ignore[no-untyped-call]
        "filesystem://localhost//",
        transport="tachograph_evaluators.embedded_broker:Transport",
        transport_options=embedded_broker.transport_options(folder, EvaluatorSettings()),
    )


def publish(link: Any, name: str, *bodies: object) -> None:
    with link.Producer(serializer="json") as producer:
        for body in bodies:
            producer.publish(body, exchange="", routing_key=name, declare=[queue(name)])


def take(link: Any, name: str) -> list[Any]:
    inbox: Any = queue(name)(link.channel())
    found = []
    while (message := inbox.get(no_ack=True, accept=["json"])) is not None:
        found.append(message.payload)
    return found


def test_order_depth_and_separate_queues(tmp_path: Path) -> None:
    with connection(tmp_path / "broker") as link:
        publish(link, "tachograph.scores", 1, 2, 3)
        publish(link, "tachograph.planning", "other")
        assert depth(link, "tachograph.scores") == 3
        assert depth(link, "tachograph.alerts") == 0
        assert take(link, "tachograph.scores") == [1, 2, 3]
        assert take(link, "tachograph.planning") == ["other"]
        assert list((tmp_path / "broker").iterdir()) == []


def test_files_belong_to_the_owner_only(tmp_path: Path) -> None:
    with connection(tmp_path / "broker") as link:
        publish(link, "tachograph.scores", "ids only")
    [message] = (tmp_path / "broker").iterdir()
    modes = {path.stat().st_mode & 0o777 for path in (message, message.parent)}
    assert modes == {0o600, 0o700}


def test_an_unreadable_message_is_dropped_and_the_next_delivered(tmp_path: Path) -> None:
    with connection(tmp_path / "broker") as link:
        (tmp_path / "broker" / "0_torn.tachograph.scores.msg").write_text('{"body": "aGV')
        publish(link, "tachograph.scores", "whole")
        assert take(link, "tachograph.scores") == ["whole"]


def test_each_message_reaches_one_consumer(tmp_path: Path) -> None:
    numbers = list(range(200))
    got: list[int] = []

    def consume() -> None:
        with connection(tmp_path / "broker") as link:
            got.extend(take(link, "tachograph.scores"))

    with connection(tmp_path / "broker") as link:
        publish(link, "tachograph.scores", *numbers)
    threads = [threading.Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == numbers


def test_a_pong_goes_to_nobody_else(tmp_path: Path) -> None:
    with connection(tmp_path / "broker") as link:
        ping.reply(link, "tachograph.pong.1", {"state": "ready"})
        assert take(link, "tachograph.pong.1") == [{"state": "ready"}]
        try:
            ping.reply(link, "tachograph.scores", {})
        except ValueError:
            assert depth(link, "tachograph.scores") == 0
        else:
            raise AssertionError("a pong went into a working queue")
