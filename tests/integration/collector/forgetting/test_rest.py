"""`/api/v1/forgets`: the same deletion by REST, asked for, followed, interrupted, told of afterwards."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
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

from tachograph_collector.forgetting.turn import turn
from tachograph_store.keys import hash_of
from tachograph_store.rows import ApiKeyRow
from tachograph_store.writer import Writer

FORGETS = "/api/v1/forgets"


@contextmanager
def client_with(stack: Stack, role: str) -> Iterator[httpx.Client]:
    """A caller with a key whose id is its role."""
    key = f"tg_{secrets.token_urlsafe(24)}"
    row = ApiKeyRow(
        project=PROJECT,
        key_id=f"{role}-key",
        key_hash=hash_of(key),
        name="test",
        role=role,
        created_at=datetime.now(UTC),
    )
    Writer(stack.store).write("api_keys", [row])
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=60) as client:
        yield client


def ended(client: httpx.Client, address: str) -> dict[str, Any]:
    """The request when it is no longer running."""
    wait_for(lambda: client.get(address).json()["state"] != "running", "the end", 600)
    answer: dict[str, Any] = client.get(address).json()
    return answer


@pytest.mark.timeout(900)
def test_killed_in_the_middle_the_same_request_goes_on_to_the_end(stack: Stack) -> None:
    fill(stack)
    order = {"user": stack.user}
    assert stack.process is not None and stack.process.stdout is not None
    with client_with(stack, "admin") as admin:
        counted = admin.post(f"{FORGETS}/count", json=order).json()["found"]
        expected = {"spans": 12, "scores": 3, "jobs": 1, "incidents": 1, "deliveries": 1}
        assert counted == expected
        assert admin.get(FORGETS).json() == {"requests": []}
        accepted = admin.post(FORGETS, json=order)
        assert accepted.status_code == 202
        begun = accepted.json()
        assert (begun["state"], begun["requested_by"]) == ("running", "admin-key")
        again = admin.post(FORGETS, json=order)  # it takes 2 s at the least
        assert (again.status_code, again.json()["request_id"]) == (202, begun["request_id"])
        address = accepted.headers["location"]
        assert address == f"{FORGETS}/{begun['request_id']}"
        stack.process.kill()
        stack.process.wait(timeout=120)
        stack.process.stdout.close()
    stack.start_collector()
    with client_with(stack, "admin") as admin:
        dead = admin.get(address).json()
        assert (dead["state"], dead["finished_at"]) == ("interrupted", None)
        assert "same request again" in dead["remedy"]
        assert admin.post(FORGETS, json=order).json()["request_id"] == begun["request_id"]
        told = ended(admin, address)
        assert (told["state"], told["error"], told["remedy"]) == ("done", None, None)
        assert told["found"] == expected
        assert told["finished_at"] is not None
        assert admin.get(FORGETS).json() == {"requests": [told]}
        assert stack.user not in str(told)
    assert_others_kept(stack)
    assert_nothing_left(stack)
    assert told["subject_hash"] in (stack.home / "collector.log").read_text()
    line = spans_balance(stack)
    assert (line.forgotten, line.live, line.stored) == (12, 4, 16)
    assert line.is_balanced


@pytest.mark.timeout(900)
def test_one_at_a_time_and_only_by_admins(stack: Stack) -> None:
    stack.send(
        span(1, 1, f"one {stack.secret}", {"user.id": stack.user, "session.id": "s-1"}),
        span(2, 2, "two", {"user.id": stack.user, "session.id": "s-2"}),
    )
    stack.wait_for_spans(2)
    for role in ("ingest", "view", "read"):
        with client_with(stack, role) as low:
            refused = [
                low.post(FORGETS, json={"session": "s-1"}),
                low.post(f"{FORGETS}/count", json={"session": "s-1"}),
                low.get(FORGETS),
                low.get(f"{FORGETS}/1"),
            ]
            assert [answer.status_code for answer in refused] == [403] * 4
    assert (
        httpx.post(f"{stack.url}{FORGETS}", json={"session": "s-1"}, timeout=60).status_code == 403
    )
    with client_with(stack, "admin") as admin:
        for order in ({}, {"user": "u", "session": "s"}):
            error = admin.post(FORGETS, json=order).json()["error"]
            assert (error["code"], error["field"]) == ("not_one_subject", "user")
            assert error["remedy"]
        assert admin.post(FORGETS, json={"user": ""}).status_code == 422
        unknown = admin.get(f"{FORGETS}/1")
        assert (unknown.status_code, unknown.json()["error"]["field"]) == (404, "request_id")
        with turn(PROJECT) as is_ours:  # as another process that forgets somebody
            assert is_ours
            busy = admin.post(FORGETS, json={"session": "s-1"})
            assert (busy.status_code, busy.json()["error"]["code"]) == (409, "forget_running")
            assert int(busy.headers["retry-after"]) > 0
            by_command = stack.forget("--session", "s-1", "--yes")
            assert by_command.returncode == 1
            assert "forgetting somebody already" in by_command.stderr
        assert admin.get(FORGETS).json() == {"requests": []}
        accepted = admin.post(FORGETS, json={"session": "s-1"})
        told = ended(admin, accepted.headers["location"])
        assert (told["state"], told["kind"]) == ("done", "session")
    assert stack.count("spans") == 1
    assert stack.count("spans", "session = 's-2'") == 1
    assert files_with(stack.home, stack.secret)[stack.secret] == set()
