"""Values come out of a file whole, however it is laid out and wherever it is cut into chunks."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_collector.importing import json_items as module
from tachograph_collector.importing.json_items import NotJson, json_items

RECORDS = st.lists(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=3),
        ),
        max_size=4,
    ),
    max_size=6,
)


class Chunked(io.BytesIO):
    """Gives few bytes at a time."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._size)


def items(text: str, size: int = 1 << 20) -> list[Any]:
    return [item for item, _ in json_items(Chunked(text.encode(), size))]


@given(RECORDS, st.integers(1, 50), st.sampled_from(["lines", "array", "pretty", "one by one"]))
def test_layout_and_chunks_change_nothing(
    records: list[dict[str, Any]], size: int, layout: str
) -> None:
    text = {
        "lines": "\n".join(map(json.dumps, records)) + "\n",
        "array": json.dumps(records),
        "pretty": json.dumps(records, indent=2),
        "one by one": "".join(json.dumps(record, indent=1) for record in records),
    }[layout]
    assert items(text, size) == records


def test_amounts_stay_exact_and_a_mark_of_order_is_no_text() -> None:
    assert items('\ufeff{"cost": 0.1000000000000000001}') == [
        {"cost": Decimal("0.1000000000000000001")}
    ]


@pytest.mark.parametrize("text", ['{"a": 1}\n{"b":', '{"a": 1} nonsense', "[" * 100_000, "\xff"])
def test_what_is_no_json_is_said_behind_what_is(text: str) -> None:
    found = []
    with pytest.raises(NotJson):
        for item, _ in json_items(io.BytesIO(text.encode("latin-1"))):
            found.append(item)
    assert found == ([{"a": 1}] if text.startswith('{"a"') else [])


def test_a_value_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ITEM_CHARACTERS", 1000)
    with pytest.raises(NotJson):
        items('{"a": "' + "x" * 10_000, size=100)
