"""A stack of a test's own, with a user in every place where one can be."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from tests.fixtures.disk_search import files_with
from tests.fixtures.store_process import running_store
from tests.integration.collector.conftest import start_collector, stop, wait_for

from tachograph_store.client import Store, connect
from tachograph_store.queries.ledger import LedgerBalance, ledger_balance
from tachograph_store.rows import DeliveryRow, IncidentRow, JobRow, ScoreRow
from tachograph_store.settings import StoreSettings
from tachograph_store.writer import Writer

PROJECT = "default"
FAR = date(2100, 1, 1)


@dataclass
class Stack:
    """A home with a store and a collector."""

    home: Path
    store: Store
    url: str = ""
    process: "subprocess.Popen[str] | None" = None
    user: str = field(default_factory=lambda: f"u{secrets.token_hex(12)}")
    other: str = field(default_factory=lambda: f"u{secrets.token_hex(12)}")
    secret: str = field(default_factory=lambda: f"s{secrets.token_hex(12)}")

    def start_collector(self) -> None:
        self.process, self.url = start_collector(self.home)

    def stop_collector(self) -> None:
        if self.process is not None:
            assert stop(self.process) == 0
            self.process = None

    def send(self, *spans: dict[str, Any]) -> None:
        """Export spans; acknowledged means journaled."""
        document = {"resourceSpans": [{"resource": _shop(), "scopeSpans": [{"spans": spans}]}]}
        answer = httpx.post(f"{self.url}/v1/traces", json=document, timeout=60)
        assert answer.status_code == 200, answer.text

    def count(self, table: str, condition: str = "1", **parameters: Any) -> int:
        rows = self.store.query(
            f"SELECT count() AS rows FROM {table} FINAL "
            f"WHERE project = {{project:String}} AND {condition}",
            {"project": PROJECT, **parameters},
        )
        return int(rows[0]["rows"])

    def wait_for_spans(self, number: int) -> None:
        wait_for(lambda: self.count("spans") == number, f"{number} spans")

    def forget(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command("forget", *arguments),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def command(self, *arguments: str) -> list[str]:
        home = ["--home", str(self.home)]
        return [sys.executable, "-m", "tachograph_cli", *arguments, *home]


def _shop() -> dict[str, Any]:
    return {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}


def span(
    trace: int,
    number: int,
    words: str,
    attributes: Mapping[str, str] = MappingProxyType({}),
    start_ns: int | None = None,
) -> dict[str, Any]:
    """A span as OTLP/JSON has it."""
    start = time.time_ns() if start_ns is None else start_ns
    given = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": words, **attributes}
    return {
        "traceId": f"{trace:032x}",
        "spanId": f"{number:016x}",
        "name": "chat",
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + 1000),
        "attributes": [
            {"key": key, "value": {"stringValue": value}} for key, value in given.items()
        ],
    }


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """Store and collector, empty."""
    with running_store(tmp_path), connect(StoreSettings(), "writer") as store:
        stack = Stack(tmp_path, store)
        stack.start_collector()
        yield stack
        stack.stop_collector()


def fill(stack: Stack) -> int:
    """Data of both users, twelve spans of `user` among them; how many spans in all."""
    user, other, secret = stack.user, stack.other, stack.secret
    begun = time.time_ns()
    for trace in range(1, 5):
        mine = {"user.id": user} if trace < 4 else {"enduser.id": user}
        stack.send(
            span(trace, trace * 10, f"I am {user}, {secret}", mine, begun),
            span(trace, trace * 10 + 1, f"a child says {secret}"),
            span(trace, trace * 10 + 2, "no words at all"),
            span(trace + 100, trace * 10 + 5, "what another said", {"user.id": other}),
        )
    stack.wait_for_spans(16)
    # With the start that it had: what begins in another minute is another row.
    stack.send(span(1, 10, f"corrected by {user}: {secret}", {"user.id": user}, begun))
    wait_for(
        lambda: stack.count("spans", "position(prompt, 'corrected') > 0") == 1, "the correction"
    )
    wait_for(lambda: stack.count("spans") == 16, "the end of what it corrects")
    writer = Writer(stack.store)
    now = datetime.now(UTC)
    score: dict[str, Any] = {
        "evaluator": "e",
        "source": "evaluator",
        "created_at": now,
        "expires_on": FAR,
    }
    writer.write(
        "scores",
        [
            ScoreRow(
                project=PROJECT,
                trace_id=f"{trace:032x}",
                span_id=f"{number:016x}",
                span_time=time.time_ns(),
                name="pii",
                explanation=words,
                author=author,
                **score,
            )
            for trace, number, words, author in (
                (1, 10, f"it says {secret}", ""),
                (2, 21, "a child's", ""),
                (101, 15, f"mine: {secret}", user),
                (101, 15, "fine", other),
            )
        ],
    )
    job: dict[str, Any] = {"kind": "evaluation", "evaluator": "e", "state": "done", "due_at": now}
    writer.write(
        "jobs",
        [
            JobRow(
                project=PROJECT,
                trace_id=f"{trace:032x}",
                error=words,
                created_at=now,
                expires_on=FAR,
                **job,
            )
            for trace, words in ((1, f"{user} {secret}"), (101, "another's"))
        ],
    )
    writer.write(
        "incidents",
        [
            IncidentRow(
                project=PROJECT,
                incident_id=name,
                rule="r",
                state="firing",
                summary=summary,
                pending_at=now,
                expires_on=FAR,
            )
            for name, summary in (("inc_1", f"cost of {user}: high"), ("inc_2", f"of x{user}x"))
        ],
    )
    writer.write(
        "deliveries",
        [
            DeliveryRow(
                project=PROJECT,
                delivery_id=name,
                incident_id="inc_1",
                event="alert.firing",
                channel="c",
                target="https://example.com/",
                body=json.dumps({"user": name_of}),
                state="waiting",
                next_attempt_at=now,
                created_at=now,
                expires_on=FAR,
            )
            for name, name_of in (("d-1", user), ("d-2", other))
        ],
    )
    quarantine = stack.home / "journal" / "quarantine"
    rows = [
        {"user": user, "trace_id": "9" * 32, "prompt": secret},
        {"user": None, "trace_id": "9" * 32, "prompt": secret},
        {"user": other, "trace_id": "8" * 32, "prompt": "kept"},
    ]
    lines = [json.dumps({"table": "spans", "reason": "r", "row": row}) for row in rows]
    (quarantine / "a-spans.jsonl").write_text("".join(f"{line}\n" for line in lines))
    (quarantine / "b.damaged").write_bytes(b"\xff\x00" + f'"{user}" {secret}'.encode())
    (quarantine / "c.damaged").write_bytes(b"\xff\x00other")
    assert os.path.isdir(stack.home / "store")
    return 16


def spans_balance(stack: Stack) -> LedgerBalance:
    """The line of the books for the spans."""
    lines = [line for line in ledger_balance(stack.store, PROJECT) if line.signal == "spans"]
    (line,) = [line for line in lines if line.source == "shop"]
    return line


def assert_nothing_left(stack: Stack) -> None:
    """No file of the home holds the user, nor what the user said."""
    # A word that only holds the name is another word: its alert stays.
    found = files_with(stack.home, stack.secret, f"{stack.user} ", f'"{stack.user}"', stack.user)
    assert found[stack.secret] == set()
    assert all("store/data/store" in name for name in found[stack.user]), found
    texts = stack.store.query(
        "SELECT summary FROM incidents WHERE position(summary, {user:String}) > 0",
        {"user": stack.user},
    )
    assert [row["summary"] for row in texts] == [f"of x{stack.user}x"]
    stack.store.command(
        "ALTER TABLE incidents DELETE WHERE project = {project:String} AND incident_id = 'inc_2'",
        {"project": PROJECT},
    )


def assert_others_kept(stack: Stack) -> None:
    """What belongs to others is all there."""
    assert stack.count("spans") == 4
    assert stack.count("spans", "user = {user:String}", user=stack.other) == 4
    assert stack.count("scores") == 1
    assert stack.count("jobs", "kind = 'evaluation'") == 1
    assert stack.count("deliveries") == 1
    quarantine = stack.home / "journal" / "quarantine"
    assert sorted(path.name for path in quarantine.iterdir()) == ["a-spans.jsonl", "c.damaged"]
    assert "kept" in (quarantine / "a-spans.jsonl").read_text()
