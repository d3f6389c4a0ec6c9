"""Weights from measured loads: the solver, the fit, the file."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tachograph._internal.gpu.source import GpuIdentity
from tachograph_sidecar.calibration.file import Calibration, read_weights, write_calibration
from tachograph_sidecar.calibration.fit import Fit, NothingToFit, fit_weights
from tachograph_sidecar.calibration.least_squares import non_negative_least_squares
from tachograph_sidecar.calibration.loads import Measured

LAW = (0.02, 1.5, 0.03, 5e-5)


def test_an_exact_law_is_found_exactly() -> None:
    rows = [[1.0, 0.0, 2.0], [0.0, 3.0, 1.0], [4.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
    law = [0.5, 2.0, 0.0]
    values = [sum(a * b for a, b in zip(row, law, strict=True)) for row in rows]
    assert non_negative_least_squares(rows, values) == pytest.approx(law, abs=1e-9)


def test_what_would_be_negative_is_zero_and_the_rest_is_the_best_without_it() -> None:
    # the ordinary solution is (2, -1): without the second the best first is 1.5
    assert non_negative_least_squares([[1.0, 0.0], [1.0, 1.0]], [2.0, 1.0]) == pytest.approx(
        [1.5, 0.0]
    )


def test_columns_that_cannot_be_told_apart_are_no_error() -> None:
    found = non_negative_least_squares([[1.0, 2.0], [2.0, 4.0]], [3.0, 6.0])
    assert found[0] + 2 * found[1] == pytest.approx(3.0)
    assert non_negative_least_squares([[0.0, 1.0]], [2.0]) == pytest.approx([0.0, 2.0])


@pytest.mark.parametrize("rows", [[], [[1.0], [1.0, 2.0]], [[1.0] * 9]])
def test_wrong_shapes_are_refused(rows: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="row"):
        non_negative_least_squares(rows, [1.0] * len(rows))


@given(st.lists(st.floats(0, 100), min_size=3, max_size=3), st.integers(0, 1000))
def test_no_other_point_is_better(law: list[float], seed: int) -> None:
    draw = random.Random(seed)
    rows = [[draw.random() for _ in law] for _ in range(8)]
    values = [sum(a * b for a, b in zip(r, law, strict=True)) + draw.gauss(0, 1) for r in rows]

    def error(x: list[float]) -> float:
        return sum(
            (sum(a * b for a, b in zip(row, x, strict=True)) - value) ** 2
            for row, value in zip(rows, values, strict=True)
        )

    found = non_negative_least_squares(rows, values)
    assert min(found) >= 0
    for _ in range(20):
        other = [max(0.0, value + draw.gauss(0, 0.5)) for value in found]
        assert error(found) <= error(other) + 1e-9


Work = tuple[float, float, float, float]


def load(name: str, work: Work, noise: float = 1.0) -> Measured:
    energy_j = noise * sum(weight * amount for weight, amount in zip(LAW, work, strict=True))
    return Measured(name, *work, energy_j, 1.0)


def loads(draw: random.Random, spread: float) -> list[Measured]:
    made = []
    for _ in range(3):
        for length in (512, 2048, 8192):
            work: Work = (10.0 * length, 10.0, 10.0, 10.0 * length)
            made.append(load(f"prefill {length}", work, noise=draw.gauss(1, spread)))
        for batch in (1, 8, 32):
            work = (32.0 * batch, 128.0, 128.0 * batch, 128.0 * batch * 96)
            made.append(load(f"decode {batch}", work, noise=draw.gauss(1, spread)))
        for length in (2048, 8192):
            work = (length * 32.0, 128.0, 128.0 * 32, 128.0 * 32 * (length + 64))
            made.append(load(f"context {length}", work, noise=draw.gauss(1, spread)))
    return made


def fitted(spread: float) -> Fit:
    return fit_weights(loads(random.Random(5), spread), idle_w=10.0)


def test_loads_that_follow_a_law_give_it_back() -> None:
    weights = fitted(0.0).weights
    found = (weights.prefill_token, weights.step, weights.decode_token, weights.kv_token)
    assert found == pytest.approx(LAW, rel=1e-6)
    assert weights.relative_error == pytest.approx(0.0, abs=1e-6)
    assert weights.source == "calibrated"


def test_noise_is_told_as_relative_error() -> None:
    fit = fitted(0.03)
    assert fit.weights.prefill_token == pytest.approx(LAW[0], rel=0.1)
    assert fit.weights.relative_error is not None and 0.01 < fit.weights.relative_error < 0.3
    assert len(fit.predictions) == 24


def test_loads_that_draw_nothing_are_refused_with_a_remedy() -> None:
    idle = [Measured("prefill", 100, 1, 1, 100, energy_j=0.01, duration_s=10) for _ in range(9)]
    with pytest.raises(NothingToFit, match="larger model"):
        fit_weights(idle, idle_w=100.0)


def test_loads_of_one_kind_do_not_tell_the_weights_apart() -> None:
    with pytest.raises(NothingToFit, match="--prefill"):
        fit_weights([load("decode", (0.0, 10.0, 10.0, 100.0))] * 6, idle_w=1.0)


def calibration() -> Calibration:
    return Calibration(
        model="m",
        devices=[GpuIdentity("GPU-1", 0, "H100", "580")],
        idle_w=75.0,
        weights=fitted(0.02).weights,
        loads=loads(random.Random(1), 0.0),
        measured_at="2026-11-23T06:00:00Z",
        tachograph_version="0",
    )


def test_the_file_gives_the_weights_back(tmp_path: Path) -> None:
    made = calibration()
    write_calibration(tmp_path / "c.json", made)
    assert read_weights(tmp_path / "c.json") == made.weights
    assert [file.name for file in tmp_path.iterdir()] == ["c.json"]
    document = json.loads((tmp_path / "c.json").read_text())
    assert document["devices"][0]["uuid"] == "GPU-1" and document["idle_w"] == 75.0
    assert len(document["loads"]) == 24


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"format": 2}, "`format`"),
        ({"weights_j": {}}, "`weights_j.prefill_token`"),
        ({"weights_j": None}, "`weights_j.prefill_token`"),
        ({"weights_j": {"prefill_token": -1}}, "`weights_j.prefill_token`"),
        ({"weights_j": {"prefill_token": True}}, "`weights_j.prefill_token`"),
        ({"weights_j": dict.fromkeys(("prefill_token", "step", "decode_token", "kv_token"), 0)},
         "no energy"),
        ({"relative_error": "small"}, "`relative_error`"),
    ],
)  # fmt: skip
def test_a_wrong_file_names_field_and_remedy(
    tmp_path: Path, change: dict[str, object], named: str
) -> None:
    file = tmp_path / "c.json"
    write_calibration(file, calibration())
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(ValueError, match=named) as caught:
        read_weights(file)
    assert "tachograph calibrate" in str(caught.value)


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_bytes(b"\xff{")
    with pytest.raises(ValueError, match="not JSON"):
        read_weights(tmp_path / "c.json")
