"""`tachograph ledger`: the tables, the JSON, and the exit status."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.journal_books import write_booked

from tachograph_store.client import Store
from tachograph_store.rows import LedgerRow, SpanRow
from tachograph_store.settings import StoreSettings
from tachograph_store.writer import Writer

LATER = datetime.now(UTC).date() + timedelta(days=9)


def _ledger(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tachograph_cli", "ledger", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "100", **environment},
    )


@pytest.fixture
def booked(store_server: StoreSettings, writer_store: Store, project: str, tmp_path: Path) -> str:
    """A project with two spans in its books, and a line of what a client dropped."""
    rows = [
        SpanRow(
            project=project,
            trace_id=f"{number:032x}",
            span_id=f"{number:016x}",
            start_time=1_700_000_000_000_000_000,
            duration_ns=1,
            name="n",
            service_name="shop",
            expires_on=LATER,
            content_expires_on=LATER,
        )
        for number in (1, 2, 2)
    ]
    write_booked(store_server, tmp_path / "journal", rows)
    Writer(writer_store).write("ledger", [_line(project, "client:1", "dropped", "queue_full", 5)])
    return project


def _line(project: str, collector: str, outcome: str, reason: str, count: int) -> LedgerRow:
    return LedgerRow(
        project=project,
        collector=collector,
        sequence=0,
        source="shop",
        signal="spans",
        outcome=outcome,
        reason=reason,
        time=datetime.now(UTC),
        count=count,
        expires_on=LATER,
    )


def test_the_equations_are_written_out(booked: str) -> None:
    shown = _ledger("--project", booked, "--check")
    assert shown.returncode == 0, shown.stderr
    assert "balanced" in shown.stdout
    assert "received 3 = accepted 3 + rejected 0" in shown.stdout
    assert "accepted 3 = stored 2 + duplicate 1 + waiting 0 + quarantined 0" in shown.stdout
    assert "stored 2 = live 2 + expired 0 + forgotten 0" in shown.stdout
    assert "queue_full" in shown.stdout


def test_as_json_with_what_a_time_brought(booked: str) -> None:
    document: dict[str, Any] = json.loads(
        _ledger("--project", booked, "--json", "--since", "1h").stdout
    )
    assert document["is_balanced"]
    assert [equation["difference"] for equation in document["equations"]] == [0, 0, 0]
    (line,) = document["lines"]
    assert (line["source"], line["live"], line["dropped"]) == ("shop", 2, 5)
    assert {(e["outcome"], e["count"]) for e in document["entries"]} >= {("stored", 2)}


def test_a_difference_is_said_and_fails_the_check(booked: str, writer_store: Store) -> None:
    Writer(writer_store).write("ledger", [_line(booked, "elsewhere", "stored", "", 3)])
    shown = _ledger("--project", booked, "--check")
    assert shown.returncode == 1
    assert "NOT BALANCED" in shown.stdout
    assert "+3 not accounted for" in shown.stdout
    assert _ledger("--project", booked).returncode == 0


def test_quarantine_files_are_listed_with_their_sizes(booked: str, tmp_path: Path) -> None:
    quarantine = tmp_path / "quarantine"
    quarantine.mkdir()
    (quarantine / "block-7-spans.jsonl").write_bytes(b"x" * 1234)
    place = {"TACHOGRAPH_COLLECTOR_JOURNAL_DIR": str(tmp_path)}
    assert "1,234" in _ledger("--project", booked, **place).stdout
    (file,) = json.loads(_ledger("--project", booked, "--json", **place).stdout)["quarantine"]
    assert file["bytes"] == 1234


def test_a_project_without_books_and_a_bad_time(store_server: StoreSettings) -> None:
    assert "nothing was received" in _ledger("--project", "nobody").stdout
    refused = _ledger("--since", "yesterday")
    assert refused.returncode == 2
    assert "30m, 12h or 7d" in refused.stderr
    assert "--check" in _ledger("--help").stdout


def test_without_a_store_it_says_how_to_start_one(tmp_path: Path) -> None:
    failed = _ledger(
        TACHOGRAPH_HOME=str(tmp_path), TACHOGRAPH_STORE_URL=f"embedded://{tmp_path}/store"
    )
    assert failed.returncode == 1
    assert "tachograph store" in failed.stderr
