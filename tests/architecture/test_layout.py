"""The layout holds what an editable install would hide."""

import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = [
    ROOT / path for path in PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
]
SOURCE_FOLDERS = [ROOT / folder for folder in PYPROJECT["tool"]["hatch"]["build"]["dev-mode-dirs"]]
LIMIT_LINES = 500


def python_files(*folders: Path) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *map(str, folders)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name.endswith(".py")]


@pytest.mark.parametrize("folder", SOURCE_FOLDERS, ids=lambda path: path.name)
def test_source_folders_hold_packages_only(folder: Path) -> None:
    # A stray module here imports in an editable install and is missing from the wheel.
    stray = [path.name for path in folder.iterdir() if path.suffix == ".py"]
    unlisted = [
        path.name
        for path in folder.iterdir()
        if path.is_dir() and (path / "__init__.py").exists() and path not in PACKAGES
    ]
    assert (stray, unlisted) == ([], [])


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_packages_are_typed_and_described(package: Path) -> None:
    assert (package / "py.typed").exists()
    first_line = (package / "__init__.py").read_text().lstrip()
    assert first_line.startswith('"""'), f"{package.name}/__init__.py needs a docstring"


def test_files_stay_readable() -> None:
    sizes = {
        path.relative_to(ROOT): len(path.read_text().splitlines())
        for path in python_files(*SOURCE_FOLDERS, ROOT / "tests")
    }
    too_long = {str(path): lines for path, lines in sizes.items() if lines > LIMIT_LINES}
    assert not too_long


def test_no_forbidden_file_names() -> None:
    names = {"utils.py", "helpers.py", "common.py", "manager.py", "celery.py", "logging.py"}
    assert not [path for path in python_files(*SOURCE_FOLDERS) if path.name in names]


def test_import_contracts_are_at_least_five() -> None:
    assert len(PYPROJECT["tool"]["importlinter"]["contracts"]) >= 5


def test_no_sql_outside_the_store() -> None:
    markers = ("SELECT ", "INSERT INTO", "ALTER TABLE", "DELETE FROM")
    # The demo's proof counts spans over the database's own protocol on purpose.
    allowed = {"demo"}
    offenders = [
        str(path.relative_to(ROOT))
        for path in python_files(*SOURCE_FOLDERS)
        if "tachograph_store" not in path.parts
        and not allowed & set(path.parts)
        and any(marker in path.read_text() for marker in markers)
    ]
    assert not offenders
