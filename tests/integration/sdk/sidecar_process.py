"""A sidecar in a process of its own, for tests that compare its span with the SDK's."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

OF_EVERY_OBSERVER = ("gen_ai.", "tachograph.engine.", "tachograph.stream.", "session.", "user.")
"""Attributes of the request itself. Others tell of the network and of a sidecar's own work."""


@contextmanager
def running_sidecar(upstream: str, endpoint: str) -> Iterator[str]:
    """Run one before the engine at `upstream`, with its telemetry sent to `endpoint`; its URL."""
    command = [sys.executable, "-m", "tachograph_sidecar.command", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--upstream", upstream, "--endpoint", endpoint, "--capture", "full"],
        stdout=subprocess.PIPE,
        text=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("TACHOGRAPH")},
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert "listening on" in line, line
        yield "http://127.0.0.1:" + line.partition("http://127.0.0.1:")[2].split()[0]
    finally:
        process.terminate()
        process.wait(180)
        process.stdout.close()


OF_THE_SERVER = (
    "tachograph.engine.quantization",
    "tachograph.engine.version",
    "tachograph.engine.weights",
)


def comparable(attributes: Mapping[str, Any]) -> set[str]:
    """Names that a span must have whoever observed the request. An engine inside the process gives
    its answers no ids; how a server was started is what the sidecar asked it."""
    named = {name for name in attributes if name.startswith(OF_EVERY_OBSERVER)}
    return named - {"gen_ai.response.id", *OF_THE_SERVER}
