"""No room, in the journal or on its disk: 503, nothing acknowledged is lost, and it passes."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

TEXT = "some words of a prompt " * 2000


def _fill(stack: Any, harness: Any, url: str) -> tuple[list[str], httpx.Response]:
    """Send spans until the collector refuses; those it took, and how it refused."""
    taken: list[str] = []
    for _ in range(200):
        span = harness.make_span({"gen_ai.input.messages": TEXT})
        answer = stack.export(url, span)
        if answer.status_code != 200:
            return taken, answer
        taken.append(span.span_id.hex())
    raise AssertionError("the collector never refused")


@pytest.mark.lesson(25)
def test_a_full_journal_refuses_until_the_store_is_back(stack: Any, harness: Any) -> None:
    _, url = stack.start_collector(TACHOGRAPH_COLLECTOR_JOURNAL_MAX_BYTES=str(2**20))
    taken, refused = _fill(stack, harness, url)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
    assert len(taken) > 5
    assert httpx.get(f"{url}/livez", timeout=60).status_code == 200
    assert "journal_waiting_records " in httpx.get(f"{url}/metrics", timeout=60).text
    stack.start_store()
    stack.settle(url)
    assert sorted(stack.stored()) == sorted(taken)
    last = harness.make_span({"gen_ai.input.messages": TEXT})
    assert stack.export(url, last).status_code == 200
    stack.settle(url)
    assert len(stack.stored()) == len(taken) + 1
    assert httpx.get(f"{url}/readyz", timeout=60).status_code == 200


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("is_filled_by_others", [False, True])
def test_a_full_disk_refuses_until_it_has_room(
    stack: Any, harness: Any, small_disk: Path, is_filled_by_others: bool
) -> None:
    _, url = stack.start_collector(TACHOGRAPH_COLLECTOR_JOURNAL_DIR=str(small_disk / "journal"))
    taken, refused = _fill(stack, harness, url)
    assert refused.status_code == 503
    assert "No space left" in refused.text
    assert len(taken) > 5
    ready = httpx.get(f"{url}/readyz", timeout=60)
    assert (ready.status_code, "No space left" in str(ready.json()["problems"])) == (503, True)
    other = small_disk / "other"
    if is_filled_by_others:  # to the last byte: the drain must come through all the same
        with pytest.raises(OSError, match="No space left"), other.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    stack.start_store()
    stack.settle(url)
    assert sorted(stack.stored()) == sorted(taken)
    other.unlink(missing_ok=True)
    harness.wait_for(lambda: httpx.get(f"{url}/readyz", timeout=60).status_code == 200, "room")
    assert stack.export(url, harness.chat_span()).status_code == 200
    stack.settle(url)
    assert len(stack.stored()) == len(taken) + 1
