"""The docs are true: links lead somewhere, every setting stands in docs/settings.md, no page lies
about commands."""

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from tachograph_collector.settings import CollectorSettings
from tachograph_dashboard.settings import DashboardSettings
from tachograph_evaluators.settings import EvaluatorSettings
from tachograph_store.settings import StoreSettings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])
SETTINGS: list[type[BaseSettings]] = [
    StoreSettings,
    CollectorSettings,
    EvaluatorSettings,
    DashboardSettings,
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: settings.__name__)
def test_every_setting_is_documented(settings: type[BaseSettings]) -> None:
    text = (ROOT / "docs/settings.md").read_text()
    prefix = settings.model_config["env_prefix"]
    names = [f"{prefix}{field}".upper() for field in settings.model_fields]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_settings_page_names_no_setting_that_is_gone() -> None:
    known = {
        f"{settings.model_config['env_prefix']}{field}".upper()
        for settings in SETTINGS
        for field in settings.model_fields
    }
    services = "|".join(settings.model_config["env_prefix"] for settings in SETTINGS)
    named = set(re.findall(rf"`((?:{services})\w+)`", (ROOT / "docs/settings.md").read_text()))
    assert named - known == set()


def test_readme_names_only_commands_that_exist() -> None:
    known = {point.name for point in entry_points(group="tachograph.commands")}
    named = set(re.findall(r"`tachograph ([a-z]+)", (ROOT / "README.md").read_text()))
    assert named <= known


def test_readme_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`?make ([a-z0-9-]+)", (ROOT / "README.md").read_text()))
    missing = [target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)]
    assert not missing


def test_every_decision_has_context_decision_and_consequences() -> None:
    for page in (ROOT / "docs/decisions").glob("0*.md"):
        text = page.read_text()
        for part in ("**Context.**", "**Decision.**", "**Consequences.**"):
            assert part in text, f"{page.name} lacks {part}"
