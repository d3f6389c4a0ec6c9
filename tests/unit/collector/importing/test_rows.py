"""Values of an export are taken only where the row contract allows them."""

from decimal import Decimal
from typing import Any

import pytest

from tachograph_collector.importing.rows import row_of

GOOD: dict[str, Any] = {
    "trace_id": "1" * 32,
    "span_id": "1" * 16,
    "start_time": "2026-11-22 22:51:14.607978386",
    "duration_ns": 5,
    "name": "n",
    "expires_on": "2027-02-20",
    "content_expires_on": "2026-12-22",
}


def test_times_have_nanoseconds() -> None:
    assert row_of("spans", GOOD, project="p").start_time == 1795387874607978386
    whole = {**GOOD, "start_time": "2026-11-22 22:51:14"}
    assert row_of("spans", whole, project="p").start_time == 1795387874000000000


def test_the_project_is_not_the_files_to_say() -> None:
    assert row_of("spans", {**GOOD, "project": "theirs"}, project="mine").project == "mine"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("duration_ns", -1),
        ("duration_ns", 1.5),
        ("duration_ns", True),
        ("duration_ns", 2**64),
        ("name", None),
        ("name", 5),
        ("is_counted", 1),
        ("start_time", "yesterday"),
        ("start_time", "2026-11-22 22:51:14.1234567890"),
        ("expires_on", "2026-13-01"),
        ("list_cost", "much"),
        ("list_cost", Decimal("NaN")),
        ("gpu_seconds", "fast"),
        ("attributes", ["a"]),
        ("attributes", {"a": 1}),
        ("finish_reasons", "stop"),
        ("event_times", ["soon"]),
    ],
)
def test_wrong_values_name_their_field(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        row_of("spans", {**GOOD, name: value}, project="p")


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="start_time is missing"):
        row_of("spans", {k: v for k, v in GOOD.items() if k != "start_time"}, project="p")
