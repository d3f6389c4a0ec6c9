"""docs/sdk.md is true: its quick start runs, its table is the parameter table."""

import importlib.util
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def run_example(name: str, folder: Path, **names: object) -> dict[str, Any]:
    """Run the block of the page that is marked so; the names that it leaves."""
    (program,) = re.findall(rf"<!-- tested: {name} -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    (folder / "example.py").write_text(program)
    return runpy.run_path(str(folder / "example.py"), {"tachograph": tachograph, **names})


class Index:
    def search(self, question: str) -> list[str]:
        return ["We open at nine."]


class Piece:
    whole_text, n_in, n_out = "At nine.", 7, 3


class Engine:
    def stream(self, question: str) -> Iterator[Piece]:
        yield from (Piece(), Piece())


def test_the_example_of_a_call_that_no_wrapper_covers(
    tachograph_receiver: Receiver, tmp_path: Path
) -> None:
    names = run_example("a call that no wrapper covers", tmp_path, index=Index(), engine=Engine())
    assert names["answer"]("When do you open?") == "At nine."
    assert tachograph.flush(10)
    retrieval, generation, function = tachograph_receiver.spans
    assert "We open at nine." in retrieval.attributes["gen_ai.retrieval.documents"]
    assert generation.attributes["gen_ai.usage.output_tokens"] == 3
    assert generation.attributes["tachograph.stream.chunk_count"] == 2
    assert {retrieval.parent_span_id, generation.parent_span_id} == {function.span_id}


def test_the_example_of_another_service(tachograph_receiver: Receiver, tmp_path: Path) -> None:
    with tachograph.context(tenant="acme"), tachograph.span("ask") as asking:
        run_example("to another service", tmp_path)
    assert tachograph.flush(10)
    serve = tachograph_receiver.spans[0]
    assert asking.ids is not None and serve.parent_span_id == asking.ids.span_id
    assert serve.attributes["tachograph.tenant"] == "acme"


def test_the_example_of_the_test_kit(tmp_path: Path) -> None:
    run_example("the test kit", tmp_path)


def test_the_settings_table_is_the_parameter_table() -> None:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate_sdk_settings.py")
    assert spec is not None and spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert PAGE == generate.render(PAGE), "run: python docs/generate_sdk_settings.py"


def test_every_public_name_is_on_the_page() -> None:
    for name in set(tachograph.__all__) - {"Generation", "Retrieval", "__version__"}:
        assert f"`{name}" in PAGE or f"@{name}" in PAGE, name
