"""A forgotten user stands nowhere any more, and comes back by no way."""

import random
import signal
import subprocess
import time

import pytest
from tests.fixtures.disk_search import files_with
from tests.integration.collector.conftest import wait_for
from tests.integration.collector.forgetting.conftest import (
    PROJECT,
    Stack,
    assert_nothing_left,
    assert_others_kept,
    fill,
    span,
    spans_balance,
)

from tachograph_store.forget_markers import forget_requests


@pytest.mark.timeout(900)
def test_a_user_is_nowhere_afterwards(stack: Stack) -> None:
    fill(stack)
    stack.store.command(
        "INSERT INTO day_rollups (project, kind, day, segment, version, expires_on) "
        "SELECT {project:String}, 'user', yesterday(), {name:String}, 1, toDate('2099-01-01')",
        {"project": PROJECT, "name": stack.secret},
    )
    before = files_with(stack.home, stack.user, stack.secret)
    for found in before.values():  # the search would see what is left
        for place in ("store/data/store", "journal/quarantine"):
            assert any(name.startswith(place) for name in found), (place, found)

    dry = stack.forget("--user", stack.user, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "spans: 12" in dry.stdout and "scores: 3" in dry.stdout
    assert stack.count("spans") == 16

    done = stack.forget("--user", stack.user, "--yes")
    assert done.returncode == 0, done.stderr
    assert stack.user not in done.stdout + done.stderr
    assert_others_kept(stack)
    assert_nothing_left(stack)

    line = spans_balance(stack)
    assert (line.forgotten, line.live, line.stored) == (12, 4, 16)
    assert line.is_balanced
    (request,) = forget_requests(stack.store, PROJECT)
    assert (request.kind, request.state) == ("user", "done")
    assert request.subject_hash in done.stderr and request.finished_at is not None
    assert stack.count("rollup_marks") >= 1
    assert stack.count("day_rollups") == 0


@pytest.mark.timeout(900)
def test_what_comes_later_is_dropped_and_counted(stack: Stack) -> None:
    fill(stack)
    assert stack.forget("--user", stack.user, "--yes").returncode == 0
    long_ago = time.time_ns() - 3_600_000_000_000
    stack.send(  # a retry, a sibling that names nobody, and a trace that nobody knew of
        span(1, 10, f"again {stack.secret}", {"user.id": stack.user}, long_ago),
        span(1, 12, f"again {stack.secret}"),
        span(50, 500, stack.secret, {"user.id": stack.user}, long_ago),
        span(50, 501, stack.secret),
    )
    stack.send(span(50, 502, f"a later child {stack.secret}"))
    stack.send(span(60, 600, "a new life", {"user.id": stack.user}))
    stack.wait_for_spans(5)
    wait_for(lambda: spans_balance(stack).stored == 22, "the books")
    line = spans_balance(stack)
    assert (line.forgotten, line.live) == (17, 5)
    assert line.is_balanced
    assert stack.count("spans", "name = 'chat' AND position(prompt, 'a new life') > 0") == 1
    stack.stop_collector()
    assert files_with(stack.home / "store", stack.secret)[stack.secret] == set()


@pytest.mark.timeout(900)
def test_what_waits_in_a_journal_is_forgotten_too(stack: Stack) -> None:
    """The collector died with the user's spans in its journal."""
    assert stack.process is not None
    stack.send(*(span(7, 70 + n, stack.secret, {"user.id": stack.user}) for n in range(5)))
    stack.process.send_signal(signal.SIGKILL)
    stack.process.wait(timeout=120)
    assert stack.process.stdout is not None
    stack.process.stdout.close()
    stack.process = None
    done = stack.forget("--user", stack.user, "--yes")
    assert done.returncode == 0, done.stderr
    found = files_with(stack.home, stack.secret, stack.user)
    assert found == {stack.secret: set(), stack.user: set()}
    line = spans_balance(stack)
    assert (line.stored, line.forgotten, line.live) == (5, 5, 0)
    assert line.is_balanced


@pytest.mark.lesson(21)
@pytest.mark.timeout(1200)
def test_killed_at_any_moment_it_goes_on(stack: Stack) -> None:
    fill(stack)
    delays = random.Random(7)
    for _ in range(4):
        process = subprocess.Popen(
            stack.command("forget", "--user", stack.user, "--yes"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(timeout=delays.uniform(1.5, 7))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=120)
    done = stack.forget("--user", stack.user, "--yes")
    assert done.returncode == 0, done.stderr
    assert_others_kept(stack)
    assert_nothing_left(stack)
    line = spans_balance(stack)
    assert (line.forgotten, line.live) == (12, 4)
    assert line.is_balanced


def test_a_session_is_forgotten_alone(stack: Stack) -> None:
    stack.send(
        span(1, 1, "one", {"user.id": stack.user, "session.id": "s-1"}),
        span(2, 2, "two", {"user.id": stack.user, "session.id": "s-2"}),
    )
    stack.wait_for_spans(2)
    done = stack.forget("--session", "s-1", "--yes")
    assert done.returncode == 0, done.stderr
    assert stack.count("spans") == 1
    assert stack.count("spans", "session = 's-2'") == 1


def test_it_asks_before_it_deletes(stack: Stack) -> None:
    refused = stack.forget("--user", stack.user)
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    assert forget_requests(stack.store, PROJECT) == []
