"""The public surface: small, complete, and light to import."""

import inspect
import subprocess
import sys

import pytest

import tachograph
import tachograph.testing
import tachograph.types

PUBLIC = {
    "Generation",
    "Retrieval",
    "Span",
    "__version__",
    "context",
    "counts",
    "current_ids",
    "flush",
    "generation",
    "init",
    "observe",
    "retrieval",
    "score",
    "shutdown",
    "span",
    "wrap",
}


def test_all_is_exactly_the_public_surface() -> None:
    assert set(tachograph.__all__) == PUBLIC
    assert dir(tachograph) == sorted(PUBLIC)


@pytest.mark.parametrize("module", [tachograph, tachograph.types, tachograph.testing])
def test_every_public_name_exists(module: object) -> None:
    for name in module.__all__:  # type: ignore[attr-defined]
        assert getattr(module, name) is not None


@pytest.mark.parametrize("name", sorted(PUBLIC - {"__version__"}))
def test_every_public_name_is_documented(name: str) -> None:
    assert len(inspect.getdoc(getattr(tachograph, name)) or "") > 20


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'trace'"):
        tachograph.trace  # noqa: B018


def test_importing_costs_nothing_until_something_is_used() -> None:
    check = (
        "import sys, tachograph, tachograph.semconv.attributes\n"
        "heavy = {'opentelemetry', 'requests', 'openai', 'google.protobuf', 'http.client'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "tachograph.init\n"
        "print(sorted({'requests', 'openai', 'httpx'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]
