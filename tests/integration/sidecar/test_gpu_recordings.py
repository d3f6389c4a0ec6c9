"""What was recorded on a real GPU replays here: the sums hold, and the page says what a replay says."""

import functools
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.benchmarks.ledger.main import RECORDINGS, measure
from tests.benchmarks.ledger.page import DOCS, pictures, section
from tests.benchmarks.ledger.recording import Recording, read_recording

FILES = sorted(RECORDINGS.glob("*.jsonl.gz"))


@functools.cache
def recorded(file: Path) -> Recording:
    return read_recording(file)


@functools.cache
def figures(file: Path) -> Mapping[str, float | int | None]:
    return measure(recorded(file), is_calibrated=True)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_joules_of_a_real_gpu_add_up_to_its_counter(file: Path) -> None:
    found = figures(file)
    conservation, unattributed = found["conservation_error"], found["unattributed_share"]
    assert conservation is not None
    assert conservation <= 0.02
    assert unattributed is not None
    assert unattributed <= 0.02
    twins = found["twin_spread"]
    assert twins is None or twins < 0.05
    assert all(device["uuid"] for device in recorded(file).header["devices"])


WARMED = [file for file in FILES if recorded(file).is_warmed_up]


@pytest.mark.parametrize("file", WARMED, ids=lambda file: file.name)
def test_who_needs_more_joules_is_told_in_the_order_that_was_measured(file: Path) -> None:
    found = figures(file)
    measured, by_time = found["spearman_measured"], found["spearman_time_share"]
    assert (found["pairs"] or 0) >= 20
    assert measured is not None
    assert measured >= 0.9
    assert by_time is not None
    assert measured >= by_time + 0.05


def test_the_page_says_what_the_recordings_say() -> None:
    page = (DOCS / "gpu-ledger.md").read_text(encoding="utf-8")
    assert section({file.name: figures(file) for file in FILES}) in page


def test_pictures_are_svg_with_a_point_for_each_pair() -> None:
    file = next(file for file in FILES if not recorded(file).is_warmed_up)
    drawn = pictures(recorded(file))
    assert set(drawn) == {"leave-one-out", "isolated", "power"}
    root = ElementTree.fromstring(drawn["leave-one-out"])
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 2 * (figures(file)["pairs"] or 0)
