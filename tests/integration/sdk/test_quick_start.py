"""The README's quick start, as it stands there, against a real collector and store."""

import json
import os
import re
import runpy
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tachograph
from tachograph_store.settings import StoreSettings

from .conftest import eventually
from .openai_server import openai_server

README = (Path(__file__).parents[3] / "README.md").read_text()


@pytest.fixture
def collector(store_server: StoreSettings) -> Iterator[str]:
    """A collector's address."""
    with subprocess.Popen(
        [sys.executable, "-m", "tachograph_collector.command", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TACHOGRAPH_HOME": str(store_server.directory.parent)},
    ) as process:
        assert process.stdout is not None
        match = re.search(r"http://\S+", process.stdout.readline())
        assert match is not None
        try:
            yield match[0]
        finally:
            process.terminate()
            process.wait(180)


def answered(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError:  # not stored yet
        return None


def test_the_quick_start_arrives(
    collector: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (program,) = re.findall(r"<!-- run by a test -->\n```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in program.splitlines() if line]) <= 8
    (tmp_path / "quick_start.py").write_text(program)
    assert eventually(lambda: answered(f"{collector}/livez") is not None)
    with openai_server() as engine:
        monkeypatch.setenv("OPENAI_BASE_URL", engine.url)
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        monkeypatch.setenv("TACHOGRAPH_ENDPOINT", collector)
        names = runpy.run_path(str(tmp_path / "quick_start.py"))
        names["client"].close()
        trace_id = engine.headers[0]["traceparent"].split("-")[1]
    assert tachograph.shutdown(30)
    found: list[Any] = []

    def is_stored() -> bool:
        trace = answered(f"{collector}/api/v1/traces/{trace_id}")
        found[:] = [] if trace is None else trace["spans"]
        return bool(found)

    assert eventually(is_stored, 300)
    (span,) = found
    assert (span["operation"], span["request_model"]) == ("chat", "llama")
    assert (span["tenant"], span["user"]) == ("acme", "u-17")
    assert (span["input_tokens"], span["output_tokens"]) == (11, 5)
    assert "The sky is blue." in json.dumps(span)
