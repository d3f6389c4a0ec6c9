"""The docs are true: links lead somewhere, settings.md is what the classes say, commands exist."""

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


def test_settings_page_is_what_the_classes_say() -> None:
    written = subprocess.run(
        [sys.executable, "-c", "import generate_settings as g; print(g.render(), end='')"],
        cwd=ROOT / "docs", capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    page = (ROOT / "docs/settings.md").read_text()
    assert page == written, "run: python docs/generate_settings.py"


def test_readme_names_only_commands_that_exist() -> None:
    known = {point.name for point in entry_points(group="tachograph.commands")}
    named = set(re.findall(r"`tachograph ([a-z]+)", (ROOT / "README.md").read_text()))
    assert named <= known


def test_readme_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"(?m)(?:^|`)make ([a-z0-9-]+)", (ROOT / "README.md").read_text()))
    missing = [target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)]
    assert not missing


def test_every_decision_has_context_decision_and_consequences() -> None:
    for page in (ROOT / "docs/decisions").glob("0*.md"):
        text = page.read_text()
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in text, f"{page.name} lacks {part}"


def test_readme_shows_the_quick_start_that_a_test_runs() -> None:
    marked = r"<!-- run by a test -->\n```python\n(.*?)```"
    readme, page = (
        re.findall(marked, (ROOT / name).read_text(), re.DOTALL)
        for name in ("README.md", "docs/sdk.md")
    )
    assert readme and readme == page
