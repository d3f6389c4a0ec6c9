"""Each lesson of lessons.toml has a test, and no test names a lesson that is not told."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
TOLD = {int(number) for number in tomllib.loads((TESTS / "lessons.toml").read_text())}


def marks() -> Iterator[tuple[int, str]]:
    """The numbers in `@pytest.mark.lesson(…)`, and where each stands."""
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text()
        if "mark.lesson(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                for call in node.decorator_list:
                    if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("lesson"):
                        place = f"{path.relative_to(TESTS)}::{node.name}"
                        yield from ((int(ast.unparse(number)), place) for number in call.args)


def test_every_lesson_is_guarded_by_a_test() -> None:
    untested = TOLD.difference(number for number, _ in marks())
    assert not untested, "mark the tests that guard these with @pytest.mark.lesson(NUMBER)"


def test_every_mark_names_a_lesson_that_is_told() -> None:
    untold = [(number, place) for number, place in marks() if number not in TOLD]
    assert not untold, "tell these lessons in tests/lessons.toml: who reported what"
