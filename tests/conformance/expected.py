"""What each package must give: the facts of the calls, and where a package deviates, why.

`facts.json` holds what happened on the wire, call by call. A package's `expected.json` says in which
order its spans start, what its own words are (names of spans and scopes), what of the facts it leaves
out or says otherwise (each with the reason), and what its other spans are. Columns that are named
nowhere must be empty.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tachograph_store.rows import SpanRow

FOLDER: Final = Path(__file__).parent
PACKAGES: Final = tuple(sorted(path.parent.name for path in FOLDER.glob("*/expected.json")))
POSITIVE: Final = "a positive number"
"""Stands for what differs from run to run: seconds, and prices, which the price list may change."""

_NOT_COMPARED: Final = frozenset(
    {
        "project", "trace_id", "span_id", "parent_span_id", "start_time", "duration_ns",
        "service_instance_id", "scope_version", "truncated", "attributes", "resource_attributes",
        "event_times", "event_names", "event_attributes", "link_trace_ids", "link_span_ids",
        "content_hash", "version", "stored_at", "expires_on", "content_expires_on", "booked_by",
        "booked_block", "booked_source",
    }
)  # fmt: skip
COLUMNS: Final = tuple(item.name for item in fields(SpanRow) if item.name not in _NOT_COMPARED)
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], ())


@dataclass(frozen=True)
class Expectation:
    """One span."""

    label: str
    values: Mapping[str, Any]
    reasons: Mapping[str, str]
    """Of columns that deviate from the facts."""
    is_call: bool


@dataclass(frozen=True)
class Mismatch:
    """One column of one span that is not as expected."""

    span: str
    column: str
    expected: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.span}.{self.column}: expected {self.expected!r}, found {self.found!r}"


def load(package: str) -> dict[str, Any]:
    """A package's `expected.json`."""
    loaded: dict[str, Any] = json.loads((FOLDER / package / "expected.json").read_text())
    return loaded


def expectations(package: str) -> list[Expectation]:
    """The spans of a package in the order of their starts."""
    written = load(package)
    facts: dict[str, dict[str, Any]] = json.loads((FOLDER / "facts.json").read_text())
    return [_expectation(label, written, facts) for label in written["spans"]]


def _expectation(
    label: str, written: Mapping[str, Any], facts: Mapping[str, Mapping[str, Any]]
) -> Expectation:
    common = {"service_name": written["service_name"], "observer": "client"}
    if label not in facts:
        return Expectation(label, {**common, **written["others"][label]}, {}, False)
    own = written["own"]
    values = {**common, **facts[label], **own.get("all", {}), **own.get(label, {})}
    reasons: dict[str, str] = {}
    for deviation in written["deviations"]:
        calls = deviation["calls"]
        if calls == "all" or label in calls:
            for column, value in deviation["columns"].items():
                if values.get(column) != value:
                    reasons[column] = deviation["reason"]
                values[column] = value
    return Expectation(label, values, reasons, True)


def compare(expected: Sequence[Expectation], rows: Sequence[Mapping[str, Any]]) -> list[Mismatch]:
    """Every column of every span; rows in the order of their starts."""
    if len(expected) != len(rows):
        names = [row["name"] for row in rows]
        return [Mismatch("all", "count", [item.label for item in expected], names)]
    return [
        Mismatch(item.label, column, item.values.get(column), row[column])
        for item, row in zip(expected, rows, strict=True)
        for column in COLUMNS
        if not _is_same(column, item.values.get(column), row[column])
    ]


def _is_same(column: str, expected: Any, found: Any) -> bool:
    if expected == POSITIVE:
        return isinstance(found, int | float | Decimal) and found > 0
    if column == "is_counted":
        return found is bool(expected)
    if expected in _EMPTY:
        return found in _EMPTY
    if column in ("prompt", "completion"):
        return bool(_messages(expected) == _messages(found))
    if isinstance(found, Decimal):
        return found == Decimal(str(expected))
    return bool((list(found) if isinstance(found, tuple) else found) == expected)


def _messages(text: Any) -> Any:
    """Parsed, without `finish_reason`, which the convention has given up and columns hold."""
    parsed = text
    if isinstance(text, str):
        try:
            parsed = json.loads(text)
        except ValueError:
            return text
    if isinstance(parsed, list):
        return [
            {key: value for key, value in item.items() if key != "finish_reason"}
            if isinstance(item, dict)
            else item
            for item in parsed
        ]
    return parsed


def calls_of(expected: Iterable[Expectation]) -> list[Expectation]:
    """Those spans that are the calls themselves."""
    return [item for item in expected if item.is_call]
