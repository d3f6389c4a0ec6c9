"""Spans on their way are held against other collectors, and only these."""

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from secrets import token_hex

import pytest

from tachograph_collector.journal.turns import sole_sender
from tachograph_store.errors import StoreUnavailable

PATIENCE_S = 60.0


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    made = [tmp_path / name for name in ("one", "two", "three")]
    for folder in made:
        folder.mkdir()
    return made


def _nothing_is_left() -> None:
    raise AssertionError("nobody has died")


def _is_held(folder: Path, spans: list[str], settle: Callable[[], None] = _nothing_is_left) -> bool:
    try:
        with sole_sender(folder, spans, settle, 0.0):
            return False
    except StoreUnavailable:
        return True


def _ids(count: int) -> list[str]:
    return [token_hex(8) for _ in range(count)]


def test_other_spans_go_beside_and_the_same_do_not(folders: list[Path]) -> None:
    spans = _ids(100)
    with sole_sender(folders[0], spans, _nothing_is_left, PATIENCE_S):
        assert not _is_held(folders[1], _ids(100))
        assert _is_held(folders[1], [*_ids(100), spans[57]])
        assert not _is_held(folders[1], [])
    assert not _is_held(folders[1], spans)


def test_ids_of_any_kind_are_held(folders: list[Path]) -> None:
    with sole_sender(folders[0], ["import-1", "ab" * 8], _nothing_is_left, PATIENCE_S):
        assert _is_held(folders[1], ["import-1"])
        assert _is_held(folders[1], ["ab" * 8])
        assert _is_held(folders[1], ["x", "ab" * 8])
        assert not _is_held(folders[1], ["import-2", "zz" * 8])


def test_who_waits_goes_on_behind_the_other(folders: list[Path]) -> None:
    spans, order = _ids(3), list[str]()

    def second() -> None:
        with sole_sender(folders[1], spans[:1], _nothing_is_left, PATIENCE_S):
            order.append("second")

    with sole_sender(folders[0], spans, _nothing_is_left, PATIENCE_S):
        waiter = threading.Thread(target=second)
        waiter.start()
        waiter.join(0.1)
        order.append("first")
    waiter.join(PATIENCE_S)
    assert order == ["first", "second"]


def test_what_a_failed_one_sent_is_waited_for_once(folders: list[Path]) -> None:
    spans, settled = _ids(3), list[str]()

    def fail() -> None:
        with sole_sender(folders[0], spans, _nothing_is_left, PATIENCE_S):
            raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable):
        fail()

    def refuse() -> None:
        raise StoreUnavailable("it still runs")

    assert _is_held(folders[1], _ids(2), refuse)
    assert not _is_held(folders[1], _ids(2), lambda: settled.append("by another"))
    assert not _is_held(folders[0], spans)
    assert settled == ["by another"]


def test_a_failed_one_waits_for_itself(folders: list[Path]) -> None:
    settled: list[str] = []
    for attempt in ("first", "second"):
        with (
            pytest.raises(StoreUnavailable),
            sole_sender(folders[0], ["a"], partial(settled.append, attempt), PATIENCE_S),
        ):
            raise StoreUnavailable("away")
    assert settled == ["second"]


def test_who_had_no_room_to_say_which_holds_all(folders: list[Path]) -> None:
    with sole_sender(folders[0], _ids(3), _nothing_is_left, PATIENCE_S):
        (folders[0] / "sending").unlink()
        assert _is_held(folders[1], _ids(3))
        assert _is_held(folders[2], _ids(3))
