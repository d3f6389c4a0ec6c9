"""A real collector, a real dashboard and a real Chromium, each a process of its own."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.e2e.dashboard.screenshots import CHROMIUM, CHROMIUM_ARGUMENTS, WAIT_MS

from tachograph_store.client import Store
from tachograph_store.keys import create_key
from tachograph_store.settings import StoreSettings
from tachograph_store.writer import Writer

READY_S = 180.0


def wait_for(condition: Callable[[], bool], what: str, deadline_s: float = 180.0) -> None:
    """Poll until the condition holds; fail at the deadline."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {deadline_s:g} s"
        time.sleep(0.05)


@contextmanager
def service_process(module: str, home: Path, health: str, *arguments: str) -> Iterator[str]:
    """`python -m module --port 0`, and the address that it prints."""
    log = (home / f"{module}.log").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", module, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**os.environ, "TACHOGRAPH_HOME": str(home)},
    )
    try:
        assert process.stdout is not None
        match = re.search(r"http://\S+", _first_line(process.stdout))
        assert match, f"no address, see {log.name}"
        wait_for(lambda: _answers(f"{match[0]}{health}"), f"{module}'s {health}", READY_S)
        yield match[0]
    finally:
        process.terminate()
        process.wait(timeout=120)
        if process.stdout is not None:
            process.stdout.close()
        log.close()


def _first_line(stream: IO[str]) -> str:
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.append(stream.readline()), daemon=True)
    reader.start()
    reader.join(READY_S)
    return lines[0] if lines else ""


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=60).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def collector_url(store_server: StoreSettings) -> Iterator[str]:
    """A collector on the shared store."""
    home = store_server.directory.parent
    with service_process("tachograph_collector.command", home, "/livez") as url:
        yield url


@pytest.fixture(scope="session")
def dashboard_url(store_server: StoreSettings, collector_url: str) -> Iterator[str]:
    """A dashboard that asks for a key."""
    home = store_server.directory.parent
    with service_process(
        "tachograph_dashboard.command", home, "/_stcore/health", "--collector-url", collector_url
    ) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, with nothing that calls home."""
    expect.set_options(timeout=WAIT_MS)  # 5 s by default
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS)
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of its own context: no cookie of another test."""
    context = browser.new_context(viewport={"width": 1440, "height": 1200})
    context.set_default_timeout(WAIT_MS)
    yield context.new_page()
    context.close()


@pytest.fixture
def read_key(writer_store: Store, project: str) -> str:
    """A key that may read the test's project."""
    return create_key(writer_store, project, "read", "browser").key


@pytest.fixture
def writer(writer_store: Store) -> Writer:
    """Writes the rows that pages then show."""
    return Writer(writer_store)
