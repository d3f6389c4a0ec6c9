"""From scores in the store to signed messages at a receiver, and through every accident."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tachograph_evaluators.alerts.delivery import Outcome, deliver_due
from tachograph_evaluators.alerts.evaluate import evaluate_rules
from tachograph_evaluators.alerts.rule_file import load_rules
from tachograph_evaluators.alerts.rules import RuleBook
from tachograph_store.client import Store
from tachograph_store.queries.incidents import (
    DeliveryLine,
    IncidentLine,
    deliveries_list,
    incidents_list,
)
from tachograph_store.queries.selection import Selection, nanoseconds
from tachograph_store.rows import ScoreRow
from tachograph_store.writer import Writer

if TYPE_CHECKING:
    from tests.integration.alerts.conftest import Receiver

START = datetime.now(UTC)


class House:
    """One project with a rule file, on the real store; its clock is moved by hand."""

    def __init__(self, reader: Store, writer_store: Store, project: str, folder: Path) -> None:
        self.reader = reader
        self.writer = Writer(writer_store)
        self.project = project
        self.path = folder / "alerts.toml"
        self.now = START

    def rules(self, *webhooks: tuple[str, str], **fields: Any) -> RuleBook:
        """Write and load the file: one rule on `score:grounding`, and webhooks by name and URL."""
        text = ""
        for name, url in webhooks:
            text += (
                f'[[webhook]]\nname = "{name}"\nurl = "{url}"\n'
                'secret_file = "hook.secret"\nallow_private = true\n'
            )
        rule = {
            "name": "Grounding fell",
            "project": self.project,
            "metric": "score:grounding",
            "comparison": "below",
            "threshold": 0.7,
            "window_s": 60,
            "notify": [name for name, _ in webhooks],
        } | fields
        text += "[[rule]]\n" + "".join(f"{key} = {json.dumps(rule[key])}\n" for key in rule)
        self.path.write_text(text)
        os.utime(self.path, (START.timestamp(), START.timestamp() - 60))
        return load_rules(self.path)

    def later(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def score(self, value: float, project: str | None = None, **facts: Any) -> None:
        """An answer judged a second ago."""
        given_at = self.now - timedelta(seconds=1)
        row = ScoreRow(
            project=project or self.project,
            trace_id=uuid.uuid4().hex,
            span_id=uuid.uuid4().hex[:16],
            span_time=nanoseconds(given_at),
            evaluator="grounding",
            name="grounding",
            source="evaluator",
            value=value,
            created_at=given_at,
            expires_on=(self.now + timedelta(days=30)).date(),
            **facts,
        )
        self.writer.write("scores", [row])

    def evaluate(self, book: RuleBook, value: float | None = None) -> int:
        """Score an answer, evaluate; messages written."""
        if value is not None:
            self.score(value)
        return evaluate_rules(self.reader, self.writer, book, self.now).messages

    def deliver(self, book: RuleBook) -> Outcome:
        return deliver_due(self.reader, self.writer, book, self.now)

    def incidents(self) -> list[IncidentLine]:
        return incidents_list(self.reader, self._ever())

    def deliveries(self) -> list[DeliveryLine]:
        """Oldest first."""
        return deliveries_list(self.reader, self._ever())[::-1]

    def _ever(self) -> Selection:
        day = timedelta(days=9)
        return Selection(project=self.project, since=START - day, until=self.now + day)


@pytest.fixture
def house(
    reader_store: Store, writer_store: Store, project: str, secret_file: Path
) -> Iterator[House]:
    yield House(reader_store, writer_store, project, secret_file.parent)


def event(received: Any) -> dict[str, Any]:
    assert received.is_genuine
    body: dict[str, Any] = json.loads(received.body)
    assert body["id"] == received.headers["webhook-id"]
    return body


def test_fires_tells_and_resolves(house: House, receiver: "Receiver") -> None:
    book = house.rules(("hook", receiver.url), severity="critical")
    assert house.evaluate(book, value=0.9) == 0
    assert house.incidents() == []
    house.later(61)
    assert house.evaluate(book, value=0.4) == 1
    assert house.deliver(book) == Outcome(delivered=1)
    fired = event(receiver.next())
    assert fired["specversion"] == "1.0"
    assert fired["type"] == "io.tachograph.alert.firing.v1"
    data = fired["data"]
    assert (data["project"], data["rule"]) == (house.project, "Grounding fell")
    assert (data["metric"], data["value"], data["threshold"]) == ("score:grounding", 0.4, 0.7)
    assert (data["samples"], data["window"]["seconds"], data["severity"]) == (1, 60, "critical")
    (incident,) = house.incidents()
    assert (incident.state, incident.incident_id) == ("firing", fired["subject"])

    for _ in range(5):
        house.later(5)
        assert house.evaluate(book) == 0, "told once, not at every evaluation"
    assert house.deliver(book) == Outcome()

    house.later(61)
    assert house.evaluate(book, value=0.95) == 1
    assert house.deliver(book) == Outcome(delivered=1)
    resolved = event(receiver.next())
    assert resolved["type"] == "io.tachograph.alert.resolved.v1"
    assert resolved["subject"] == fired["subject"]
    assert resolved["id"] != fired["id"]
    (incident,) = house.incidents()
    assert (incident.state, incident.value) == ("resolved", 0.95)
    assert [(row.state, row.attempt, row.http_status) for row in house.deliveries()] == [
        ("delivered", 1, 200)
    ] * 2
    assert receiver.is_quiet


def test_flapping_within_the_hysteresis_says_nothing(house: House, receiver: "Receiver") -> None:
    book = house.rules(("hook", receiver.url), for_s=20, resolve_threshold=0.8, resolve_after_s=130)
    messages = []
    for value in [0.6, 0.9, 0.6, 0.9, 0.6, 0.9]:  # each value has the window to itself
        messages.append(house.evaluate(book, value=value))
        house.later(61)
    assert messages == [0, 0, 0, 0, 0, 0], "never bad for 20 s of evaluations on end"
    for value in [0.6, 0.6, 0.9, 0.6, 0.75, 0.9, 0.6]:
        messages.append(house.evaluate(book, value=value))
        house.later(61)
    assert messages[6:] == [0, 1, 0, 0, 0, 0, 0]
    for _ in range(4):
        messages.append(house.evaluate(book, value=0.9))
        house.later(61)
    assert messages[13:] == [0, 0, 0, 1]
    assert len(house.incidents()) == 1


def test_reminders(house: House, receiver: "Receiver") -> None:
    book = house.rules(("hook", receiver.url), renotify_s=100)
    told = []
    for _ in range(12):
        told.append(house.evaluate(book, value=0.1))
        house.deliver(book)
        house.later(25)
    assert told == [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]
    events = [event(receiver.next()) for _ in range(3)]
    assert [each["data"]["is_reminder"] for each in events] == [False, True, True]
    assert len({each["id"] for each in events}) == 3
    assert len({each["subject"] for each in events}) == 1


def test_a_failing_receiver_is_tried_again_under_the_same_id(
    house: House, receiver: "Receiver"
) -> None:
    receiver.answers += [
        (500, {}, b"oops"),
        (302, {"location": "/"}, b""),
        (429, {"retry-after": "3600"}, b""),
    ]
    book = house.rules(("hook", receiver.url))
    house.evaluate(book, value=0.1)
    ids = set()
    waits = []
    for expected in [
        Outcome(retrying=1),
        Outcome(retrying=1),
        Outcome(retrying=1),
        Outcome(delivered=1),
    ]:
        assert house.deliver(book) == expected
        ids.add(event(receiver.next())["id"])
        (row,) = house.deliveries()
        waits.append((row.next_attempt_at - house.now).total_seconds())
        house.later(1)
        assert house.deliver(book) == Outcome(), "not before its time"
        house.later(max(waits[-1], 0))
    assert len(ids) == 1
    assert 5 <= waits[0] <= 5.5
    assert 300 <= waits[1] <= 330
    assert waits[2] == 3600
    (row,) = house.deliveries()
    assert (row.state, row.attempt, row.http_status, row.error) == ("delivered", 4, 200, None)
    assert row.delivered_at is not None
    assert receiver.is_quiet


def test_gives_up_after_the_last_attempt(house: House, receiver: "Receiver") -> None:
    receiver.answers += [(503, {}, b"")] * 20
    book = house.rules(("hook", receiver.url))
    house.evaluate(book, value=0.1)
    outcomes: list[Outcome] = []
    while not outcomes or outcomes[-1] == Outcome(retrying=1):
        outcomes.append(house.deliver(book))
        house.later(30 * 3600)
    assert outcomes == [Outcome(retrying=1)] * 9 + [Outcome(failed=1)]
    (row,) = house.deliveries()
    assert (row.state, row.attempt, row.error) == ("failed", 10, "answered 503")


def test_messages_about_one_incident_keep_their_order(house: House, receiver: "Receiver") -> None:
    receiver.answers.append((500, {}, b""))
    book = house.rules(("hook", receiver.url))
    house.evaluate(book, value=0.1)
    house.deliver(book)
    house.later(2)
    house.later(61)
    receiver.answers.append((500, {}, b""))
    house.evaluate(book, value=0.9)
    assert house.deliver(book) == Outcome(retrying=1), "firing first, once more in vain"
    assert house.deliver(book) == Outcome(), "and resolved waits behind it"
    house.later(400)
    assert house.deliver(book) == Outcome(delivered=1)
    assert house.deliver(book) == Outcome(delivered=1)
    kinds = [event(receiver.next())["type"].split(".")[3] for _ in range(4)]
    assert kinds == ["firing", "firing", "firing", "resolved"]


def test_gone_switches_the_webhook_off_until_the_file_changes(
    house: House, receiver: "Receiver"
) -> None:
    receiver.answers.append((410, {}, b""))
    book = house.rules(("hook", receiver.url))
    house.evaluate(book, value=0.1)
    assert house.deliver(book) == Outcome(failed=1)
    receiver.next()
    house.later(61)
    house.evaluate(book, value=0.9)
    assert house.deliver(book) == Outcome(failed=1)
    assert receiver.is_quiet
    assert "410 Gone" in (house.deliveries()[-1].error or "")
    house.later(61)
    house.evaluate(book, value=0.1)
    touched = replace(book, modified_at=house.now)
    assert house.deliver(touched) == Outcome(delivered=1)
    event(receiver.next())


def test_one_dead_webhook_does_not_hold_up_the_other(
    house: House, receiver: "Receiver", serving: Callable[..., "AbstractContextManager[Receiver]"]
) -> None:
    with serving() as other:
        other.answers += [(500, {}, b"")] * 5
        book = house.rules(("good", receiver.url), ("bad", other.url))
        assert house.evaluate(book, value=0.1) == 2
        assert house.deliver(book) == Outcome(delivered=1, retrying=1)
        assert event(receiver.next())["id"] != event(other.next())["id"]


def test_two_projects_never_meet(house: House, receiver: "Receiver") -> None:
    book = house.rules(("hook", receiver.url))
    other = house.project + "-other"
    (rule,) = book.rules
    both = replace(book, rules=(rule, replace(rule, project=other)))
    house.score(0.9)
    house.score(0.1, project=other)
    assert house.evaluate(both) == 1
    assert house.deliver(book) == Outcome(), "the other project's message is not this file's"
    assert house.deliver(both) == Outcome(delivered=1)
    assert event(receiver.next())["data"]["project"] == other
    assert house.incidents() == []


@pytest.mark.parametrize("fact", ["model", "tenant", "variant"])
def test_a_rule_watches_its_segment_only(fact: str, house: House) -> None:
    book = house.rules(**{f"segment.{fact}": "acme"})
    house.score(0.1, **{fact: "bank"})
    house.score(0.9, **{fact: "acme"})
    house.evaluate(book)
    assert house.incidents() == []
    house.later(61)
    house.score(0.9, **{fact: "bank"})
    house.score(0.1, **{fact: "acme"})
    house.evaluate(book)
    assert [incident.segment for incident in house.incidents()] == [f"{fact}=acme"]


def test_segments_of_the_same_rule_have_incidents_of_their_own(house: House) -> None:
    book = house.rules()
    house.evaluate(book, value=0.1)
    narrowed = house.rules(**{"segment.model": "none-such"})
    house.later(1)
    house.evaluate(narrowed)
    (incident,) = house.incidents()
    assert incident.state == "resolved"
    assert "no longer in the rule file" in incident.summary


class Died(Exception):
    """The process ends here."""


class DyingWriter(Writer):
    """A real writer in a process that dies when it is about to write one table."""

    deadly_table = ""

    def write(self, table: str, rows: Sequence[Any]) -> int:
        if table == self.deadly_table:
            raise Died
        return super().write(table, rows)


@pytest.mark.parametrize("deadly_table", ["deliveries", "incidents"])
def test_a_pass_that_died_half_way_is_repeated_without_loss_or_double(
    deadly_table: str, house: House, receiver: "Receiver", writer_store: Store
) -> None:
    book = house.rules(("hook", receiver.url))
    house.score(0.1)
    dying = DyingWriter(writer_store)
    dying.deadly_table = deadly_table
    with pytest.raises(Died):
        evaluate_rules(house.reader, dying, book, house.now)
    assert house.incidents() == []
    written = house.deliveries()
    assert len(written) == (deadly_table == "incidents"), "the message comes first"
    house.later(5)
    assert house.evaluate(book) == 1 - len(written)
    (incident,) = house.incidents()
    (message,) = house.deliveries()
    assert message.incident_id == incident.incident_id
    assert house.deliver(book) == Outcome(delivered=1)
    assert event(receiver.next())["id"] == message.delivery_id
    assert receiver.is_quiet


def test_refused_targets_and_missing_secrets_are_recorded(
    house: House, receiver: "Receiver", secret_file: Path
) -> None:
    book = house.rules(("hook", receiver.url))
    house.evaluate(book, value=0.1)
    (webhook,) = book.webhooks.values()
    guarded = replace(book, webhooks={"hook": replace(webhook, allow_private=False)})
    assert house.deliver(guarded) == Outcome(retrying=1)
    assert "allow_private" in (house.deliveries()[0].error or "")
    secret_file.unlink()
    house.later(6)
    assert house.deliver(book) == Outcome(retrying=1)
    assert "cannot be read" in (house.deliveries()[0].error or "")
    assert receiver.is_quiet
    house.later(400)
    assert house.deliver(replace(book, webhooks={})) == Outcome(failed=1)
    assert "no longer in the rule file" in (house.deliveries()[0].error or "")


CHILD = """
import sys
from datetime import datetime
from pathlib import Path
from tachograph_evaluators.alerts.runtime import AlertRuntime
from tachograph_store.client import connect
from tachograph_store.writer import Writer
rules, locks, now = Path(sys.argv[1]), Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3])
runtime = AlertRuntime(rules, locks, connect(role="reader"), Writer(connect(role="writer")))
print(runtime.evaluate(now).messages, flush=True)
if sys.stdin.readline():
    print(runtime.deliver(now), flush=True)
"""


@pytest.mark.parametrize("moment", ["between write and send", "during the send"])
def test_killed_and_delivered_after_the_restart(
    moment: str, house: House, receiver: "Receiver", tmp_path: Path
) -> None:
    book = house.rules(("hook", receiver.url))
    house.score(0.1)
    arguments = [str(house.path), str(tmp_path / "locks"), house.now.isoformat()]
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        assert child.stdout.readline() == "1\n"
        seen = []
        if moment == "during the send":
            receiver.go_on.clear()
            child.stdin.write("deliver\n")
            child.stdin.flush()
            seen.append(event(receiver.next())["id"])
        child.send_signal(signal.SIGKILL)
        child.wait()
    (row,) = house.deliveries()
    assert (row.state, row.attempt) == ("waiting", 0)
    receiver.go_on.set()
    assert house.evaluate(book) == 0
    assert house.deliver(book) == Outcome(delivered=1)
    seen.append(event(receiver.next())["id"])
    assert set(seen) == {row.delivery_id}
