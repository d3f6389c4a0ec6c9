"""Format: what an answer says it is, it must be; and what the settings ask for.

Without settings an answer is checked for what it claims: fenced JSON and Python must parse, fences
must close, an answer that begins as JSON must be JSON. The settings may ask for JSON, for a JSON
schema, for a regular expression.
"""

import ast
import json
import re
import tomllib
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from tachograph_evaluators.evaluator import (
    MAX_OFFSETS,
    Answer,
    Score,
    not_applicable,
    verdict,
)
from tachograph_evaluators.judges.format_settings import FormatSettings

THRESHOLD: Final = 0.5

MAX_CHARS: Final = 200_000
"""What is read of one answer."""

_MAX_CODE_CHARS: Final = 40_000  # the parser's time and memory grow with it
_MAX_BLOCKS: Final = 20
_FENCE: Final = re.compile(r"^ {0,3}```[ \t]{0,4}([\w+#.-]{0,20})[^\n]{0,100}$", re.MULTILINE)


class Problem(NamedTuple):
    """What is wrong with a piece of the answer."""

    start: int
    stop: int
    label: str
    reason: str


class Format:
    """Scores `format`: 1 when every check holds, else the share of checks that do."""

    name = "format"
    version = "1"
    scores = ("format",)
    needs = frozenset({"response"})
    batch_size = 64

    def __init__(self) -> None:
        self._settings = FormatSettings()

    def warm_up(self) -> None:
        """Read the schema. Raises OSError or ValueError when it cannot be used."""
        if self._settings.json_schema is not None:
            validator(str(self._settings.json_schema))

    def evaluate(self, batch: Sequence[Answer]) -> Sequence[Sequence[Score]]:
        """Judge each answer by itself."""
        return [[judge(answer.response or "", self._settings)] for answer in batch]


def judge(response: str, settings: FormatSettings) -> Score:
    """One `format` score; offsets mark the pieces that do not hold."""
    text = response[:MAX_CHARS]
    if not text.strip():
        return not_applicable("format", "the answer is empty")
    checks = _asked(text, settings) + _claimed(text, settings)
    if not checks:
        return not_applicable("format", "the answer claims no format and none is asked for")
    problems = [problem for problem in checks if problem is not None]
    value = 1.0 - len(problems) / len(checks)
    return Score(
        name="format",
        value=value,
        label=verdict(value, 1.0),
        explanation="; ".join(problem.reason for problem in problems[:5])
        or f"all {len(checks)} checks hold",
        offsets=[(p.start, p.stop, p.label) for p in problems if p.stop > p.start][:MAX_OFFSETS],
    )


def _asked(text: str, settings: FormatSettings) -> list[Problem | None]:
    checks: list[Problem | None] = []
    if settings.json_schema is not None:
        checks.append(_against_schema(text, str(settings.json_schema)))
    elif settings.require_json:
        checks.append(_parse(text, 0, "json", _json))
    if settings.pattern:
        found = re.search(settings.pattern, text)
        checks.append(
            None if found else Problem(0, len(text), "pattern", "the pattern is not found")
        )
    return checks


def _claimed(text: str, settings: FormatSettings) -> list[Problem | None]:
    checks: list[Problem | None] = []
    fences = list(_FENCE.finditer(text))[: 2 * _MAX_BLOCKS]
    for opening, closing in zip(fences[::2], fences[1::2], strict=False):
        start, stop = min(opening.end() + 1, closing.start()), closing.start()
        parse = _PARSERS.get(opening.group(1).lower())
        if parse is not None and stop - start <= _MAX_CODE_CHARS:
            checks.append(_parse(text[start:stop], start, opening.group(1).lower(), parse))
    if len(fences) % 2 and len(fences) < 2 * _MAX_BLOCKS:
        last = fences[-1]
        checks.append(Problem(last.start(), last.end(), "fence", "a code block is not closed"))
    is_asked = settings.require_json or settings.json_schema is not None
    if not is_asked and not fences and _looks_like_json(text):
        checks.append(_parse(text, 0, "json", _json))
    return checks


def _looks_like_json(text: str) -> bool:
    return bool(
        re.match(r'\s{0,100}(?:\{\s{0,100}"[^"\n]{0,200}"\s{0,20}:|\[\s{0,100}[{\[])', text)
    )


def _parse(text: str, start: int, label: str, parse: Callable[[str], object]) -> Problem | None:
    try:
        parse(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        reason = str(error).partition("\n")[0][:120]
        return Problem(start, start + len(text), label, f"{label} does not parse: {reason}")
    return None


def _json(text: str) -> object:
    return json.loads(text)


def _json_lines(text: str) -> object:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _python(text: str) -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of invalid escapes and the like
        plain = "\n".join(line for line in text.splitlines() if not line.startswith(("%", "!")))
        return ast.parse(plain)


def _toml(text: str) -> object:
    return tomllib.loads(text)


_PARSERS: Final[dict[str, Callable[[str], object]]] = {
    "json": _json,
    "jsonl": _json_lines,
    "ndjson": _json_lines,
    "python": _python,
    "py": _python,
    "toml": _toml,
}


def _against_schema(text: str, path: str) -> Problem | None:
    problem = _parse(text, 0, "json", _json)
    if problem is not None:
        return problem
    error = next(validator(path).iter_errors(json.loads(text)), None)
    if error is None:
        return None
    where = "/".join(str(part) for part in list(error.absolute_path)[:8]) or "the top"
    return Problem(0, len(text), "schema", f"at {where}: {str(error.message)[:200]}")


@cache
def validator(path: str) -> Any:
    """The validator of a schema file. Raises ValueError naming what is wrong and the remedy."""
    try:
        import jsonschema
    except ImportError as error:
        raise ValueError(
            "TACHOGRAPH_EVALUATORS_FORMAT_JSON_SCHEMA needs jsonschema: pip install jsonschema"
        ) from error
    with open(path, encoding="utf-8") as file:
        schema = json.load(file)
    kind = jsonschema.validators.validator_for(schema)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"{path} is no JSON schema: {error.message}") from error
    return kind(schema)
