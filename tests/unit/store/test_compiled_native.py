"""Columns that compiled code packed are what Python packs, and what that refuses is refused."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph_store import native
from tachograph_store.compiled import is_wanted

compiled = pytest.importorskip("tachograph_store._compiled_native")
pytestmark = pytest.mark.skipif(not is_wanted(), reason="switched off")

_TEXTS = st.text(max_size=6) | st.sampled_from(["", "a", "b", "x" * 127, "y" * 128, "é" * 9000])
_ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, 5, 0.5, True, b"a", "\ud800", [1], float("nan"), 2**64, -1, 2**32]
)
_NUMBERS = st.integers(0, 2**64 - 1) | st.integers(0, 300) | st.booleans()
_KINDS: dict[str, st.SearchStrategy[Any]] = {
    "String": _TEXTS,
    "Date": st.dates(date(1970, 1, 1), date(2149, 6, 6)) | st.dates(),
    "LowCardinality(String)": _TEXTS,
    "LowCardinality(Nullable(String))": _TEXTS | st.none(),
    "Map(LowCardinality(String), String)": st.dictionaries(_TEXTS, _TEXTS, max_size=3),
    "Float64": st.floats() | st.integers(),
    "UInt64": _NUMBERS,
    "UInt32": st.integers(0, 2**32 - 1),
    "UInt8": st.integers(0, 255),
    "Nullable(Decimal(18, 9))": st.none()
    | st.decimals(-(10**9) + 1, 10**9 - 1, places=9)
    | st.sampled_from([Decimal(10) ** 12, Decimal("NaN"), Decimal("Infinity"), Decimal("1E-12")]),
}
_INNER = ("String", "Float64", "UInt64", "UInt32", "UInt8")
_KINDS |= {f"Nullable({name})": _KINDS[name] | st.none() for name in _INNER}


def _packed(pack: native.Pack, values: Sequence[Any]) -> bytes | str:
    try:
        return pack(values)
    except native.PACKING_ERRORS:
        return "refused"


@pytest.mark.parametrize("type_name", _KINDS)
def test_both_pack_the_same(type_name: str) -> None:
    kind = _KINDS[type_name]
    python, fast = native.packer_in_python(type_name)[1], compiled.PACKERS[type_name]
    assert native.packer(type_name)[1] is fast

    @given(st.lists(kind, max_size=8), st.lists(st.integers(0, 7), max_size=12), _ODD)
    def check(few: list[Any], places: list[int], odd: Any) -> None:
        values = few + [few[place % len(few)] for place in places if few]
        if values:  # nobody packs a column without rows
            assert _packed(fast, values) == _packed(python, values)
            assert _packed(fast, tuple(values)) == _packed(python, tuple(values))
        with_odd = [*values, odd]
        assert _packed(fast, with_odd) == _packed(python, with_odd)

    check()


def test_every_compiled_type_is_compared() -> None:
    assert set(compiled.PACKERS) == set(_KINDS)


@pytest.mark.parametrize("distinct", [1, 2, 255, 256, 257, 65_535, 65_536, 65_537])
def test_dictionaries_of_every_width(distinct: int) -> None:
    values = [str(number) for number in range(distinct)] * (1 if distinct > 1000 else 3)
    for type_name in ("LowCardinality(String)", "LowCardinality(Nullable(String))"):
        python, fast = native.packer_in_python(type_name)[1], compiled.PACKERS[type_name]
        assert fast(values) == python(values)


def test_mappings_that_rows_share_and_other_mappings() -> None:
    shared = {"k": "v", "l": "é" * 5000}
    values: list[Any] = (
        [shared] * 300 + [{}, {}] + [{"k": str(n)} for n in range(300)] + [shared] * 2
    )
    type_name = "Map(LowCardinality(String), String)"
    python, fast = native.packer_in_python(type_name)[1], compiled.PACKERS[type_name]
    assert fast(values) == python(values)
    for odd in (None, [("a", "b")], {"a": None}, {None: "a"}, {"a": 1}, "ab"):
        assert _packed(fast, [shared, odd]) == _packed(python, [shared, odd]) == "refused"
