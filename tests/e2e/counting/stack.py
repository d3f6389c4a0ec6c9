"""Everything that may report a request: the SDK, a foreign instrumentation, the sidecar, the engine."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from tests.integration.sdk.openai_server import OpenAIServer

from tachograph_store.client import Store

DEADLINE_S = 180.0
PRICES = {
    "TACHOGRAPH_COLLECTOR_HOSTED_EQUIVALENTS": '{"m-0613": "gpt-4o"}',
    "TACHOGRAPH_COLLECTOR_MACHINE_HOUR_PRICE": "3.6",
}


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Poll until the condition holds; fail at the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S:g} s"
        time.sleep(0.05)


@contextmanager
def process_at(home: Path, module: str, *arguments: str, **environment: str) -> Iterator[str]:
    """`python -m module --port 0 …`, and the address that its first line names."""
    with (home / f"{module}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "TACHOGRAPH_HOME": str(home), **environment},
        )
    assert process.stdout is not None
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.append(process.stdout.readline()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    reader.join(DEADLINE_S)
    match = re.search(r"http://[\d.:]+", lines[0] if lines else "")
    assert match, f"{module} said {lines}, see {home}/{module}.log"
    try:
        yield match[0]
    finally:
        process.terminate()
        assert process.wait(timeout=DEADLINE_S) == 0
        process.stdout.close()


@dataclass(frozen=True)
class Stack:
    """A store, a collector with prices, an engine, and a sidecar in front of it."""

    store: Store
    engine: OpenAIServer
    collector_url: str
    sidecar_url: str

    def settle(self, spans: int) -> None:
        """Return when so many spans are in the store."""

        def stored() -> int:
            return int(self.store.query("SELECT count() AS n FROM spans FINAL")[0]["n"])

        wait_for(lambda: stored() == spans, f"{spans} spans stored")

    def summary(self) -> dict[str, object]:
        """The whole by REST."""
        answer = httpx.get(f"{self.collector_url}/api/v1/summary", timeout=DEADLINE_S)
        (segment,) = answer.json()["segments"]
        assert isinstance(segment, dict)
        return segment
