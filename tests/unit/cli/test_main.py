"""The command's front: help, version, wrong usage, errors with their next step."""

import argparse
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tachograph.version import __version__
from tachograph_cli.errors import CommandError
from tachograph_cli.main import main
from tachograph_cli.registry import Command, commands


def _tachograph(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tachograph_cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_every_command_with_its_summary_and_examples() -> None:
    done = _tachograph("--help")
    assert done.returncode == 0
    for name, command in commands().items():
        assert f"  {name} " in done.stdout
        assert command.summary() in done.stdout
    assert "examples:" in done.stdout


def test_help_imports_no_command() -> None:
    program = (
        "import sys; from tachograph_cli.main import main; main(['--help']); "
        "heavy = {'rich', 'celery', 'fastapi', 'streamlit', 'opentelemetry', 'torch'}; "
        "sys.exit(str(heavy & sys.modules.keys()) if heavy & sys.modules.keys() else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"tachograph {__version__}\n"


def test_no_command_shows_the_overview_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().out


def test_a_misspelt_command_is_answered_with_the_near_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["docter"]) == 2
    assert "did you mean `tachograph doctor`?" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["up", "doctor", "demo", "evaluators", "eval", "backfill"])
def test_every_command_of_ours_shows_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"tachograph {name}" in capsys.readouterr().out.partition("examples:")[2]


@pytest.mark.parametrize("name", ["keys", "alerts", "retention", "evaluation"])
def test_every_action_shows_examples_of_its_own(name: str) -> None:
    parser = argparse.ArgumentParser(prog=f"tachograph {name}")
    commands()[name].load().add_arguments(parser)
    (actions,) = (
        action for action in parser._actions if isinstance(action, argparse._SubParsersAction)
    )
    for action, sub in actions.choices.items():
        _, _, examples = sub.format_help().partition("examples:\n")
        assert f"  tachograph {name}" in examples and f" {action}" in examples


def _command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, source: str) -> Command:
    module = f"command_for_test_{name}"
    (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return Command(name, EntryPoint(name, module, "tachograph.commands"))


def test_a_missing_extra_is_answered_with_the_pip_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "import no_such_module_anywhere\nHELP = 'show what was recorded'\n"
    command = _command(tmp_path, monkeypatch, "dashboard", source)
    assert command.summary() == "show what was recorded"
    with pytest.raises(CommandError, match="no_such_module_anywhere") as raised:
        command.load()
    assert raised.value.remedy == 'pip install "tachograph[dashboard]"'
    assert raised.value.exit_code == 2


def test_an_extra_missing_inside_a_command_is_answered_alike(tmp_path: Path) -> None:
    """In a process of its own, with one module of the extra hidden."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['rich'] = None\n", encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "tachograph_cli", "doctor", "--home", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert 'pip install "tachograph[cli]"' in done.stderr
    assert "Traceback" not in done.stderr
