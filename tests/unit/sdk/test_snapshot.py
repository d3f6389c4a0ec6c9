"""Content as it was at the call, whatever becomes of the objects later."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph._internal.jsonable import to_jsonable
from tachograph._internal.snapshot import estimated_json_bytes, snapshot

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


def spoil(value: Any) -> None:
    """Change everything in place that can be changed."""
    if isinstance(value, dict):
        for item in value.values():
            spoil(item)
        value.clear()
        value["spoiled"] = True
    elif isinstance(value, list):
        for item in value:
            spoil(item)
        value[:] = ["spoiled"]


@given(JSON)
def test_what_was_given_can_change_without_harm(value: Any) -> None:
    expected = copy.deepcopy(to_jsonable(value))
    kept, size = snapshot(value)
    spoil(value)
    assert kept == expected
    assert size >= 0


@given(JSON)
def test_the_quick_way_gives_what_the_thorough_way_gives(value: Any) -> None:
    kept, _ = snapshot(value)
    assert kept == to_jsonable(value)


@pytest.mark.parametrize(
    "value",
    [
        "x" * 1000,
        [{"role": "user", "content": "x" * 1000}],
        [{"role": "user", "content": [{"type": "text", "text": "x" * 1000}]}],
        {"question": "x" * 1000, "top": 3},
    ],
)
def test_sizes_have_the_right_magnitude(value: Any) -> None:
    assert 1000 <= snapshot(value)[1] <= 1200


def test_sizes_count_every_level() -> None:
    assert estimated_json_bytes({"a": ["x" * 100, {"b": "y" * 100}], "c": 1}) > 200
