"""docs/sdk.md is true: its quick start runs, its table is the parameter table."""

import importlib.util
import re
import runpy
from pathlib import Path

import openai
import pytest

import tachograph
from tachograph.testing import Receiver

from .openai_server import openai_server

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "sdk.md").read_text()


def test_the_quick_start_is_short_and_runs(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    blocks = re.findall(r"<!-- run by a test -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    (program,) = blocks
    assert len([line for line in program.splitlines() if line]) <= 8
    with openai_server() as engine:
        monkeypatch.setenv("OPENAI_BASE_URL", engine.url)
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        monkeypatch.setenv("TACHOGRAPH_ENDPOINT", receiver.endpoint)
        (tmp_path / "quick_start.py").write_text(program)
        names = runpy.run_path(str(tmp_path / "quick_start.py"))
        assert tachograph.shutdown(10)
        client = names["client"]
        assert isinstance(client, openai.OpenAI)
        client.close()
    (span,) = receiver.spans
    assert span.name == "chat llama"
    assert span.resource["service.name"] == "helpdesk"
    assert span.attributes["tachograph.tenant"] == "acme"
    assert span.attributes["tachograph.evaluation.context"] == "We open at nine."


def test_the_settings_table_is_the_parameter_table() -> None:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate_sdk_settings.py")
    assert spec is not None and spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert PAGE == generate.render(PAGE), "run: python docs/generate_sdk_settings.py"


def test_every_public_name_is_on_the_page() -> None:
    for name in set(tachograph.__all__) - {"Generation", "Retrieval", "__version__"}:
        assert f"`{name}" in PAGE or f"@{name}" in PAGE, name
