"""`tachograph calibrate` on a simulated GPU and engine: it finds the law they follow."""

import argparse
import asyncio
from pathlib import Path

import pytest
from tests.fixtures.simulated_gpu import SimulatedEngine, SimulatedGpu, serving

from tachograph_sidecar.calibration.command import add_arguments, calibrate
from tachograph_sidecar.calibration.file import read_weights
from tachograph_sidecar.gpu.replay import ReplaySource
from tachograph_sidecar.ledger.weights import EnergyWeights
from tachograph_sidecar.service import Sidecar
from tachograph_sidecar.settings import SettingsError, read_settings

LAW = EnergyWeights(
    prefill_token=0.05,
    step=1.0,
    decode_token=0.1,
    kv_token=4e-4,
    relative_error=None,
    source="law",
)
QUICK = (
    "--prefill", "200,800", "--batches", "1,4", "--contexts", "400,1000", "--decode-tokens", "40",
    "--load-s", "0.3", "--idle-s", "0.5", "--repeats", "1",
)  # fmt: skip


def arguments(url: str, out: Path, model: str = "m") -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(
        ["--upstream", url, "--model", model, "--out", str(out), *QUICK],
    )


def test_the_law_is_found_and_the_ledger_takes_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gpu = SimulatedGpu()
    out = tmp_path / "m.json"
    with serving(SimulatedEngine(gpu, LAW)) as url:
        assert calibrate(arguments(url, out), gpu) == 0
    weights = read_weights(out)
    assert weights.prefill_token == pytest.approx(LAW.prefill_token, rel=0.25)
    assert weights.kv_token == pytest.approx(LAW.kv_token, rel=0.4)
    # steps and tokens of one: their sum is what a batch of one takes
    assert weights.step + weights.decode_token == pytest.approx(1.1, rel=0.3)
    assert weights.relative_error is not None and weights.relative_error < 0.5
    assert "kinds left out of the fit" in capsys.readouterr().out
    settings = read_settings({"calibration": str(out)}, {})
    assert settings.calibration == out


def test_without_a_gpu_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "m.json"
    asked = arguments("http://127.0.0.1:9", out)
    assert calibrate(asked, ReplaySource(clock=lambda: 0)) == 1
    assert "no GPU to calibrate" in capsys.readouterr().err
    assert not out.exists()


def test_an_engine_that_is_away_or_tells_nothing_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gpu, out = SimulatedGpu(), tmp_path / "m.json"
    assert calibrate(arguments("http://127.0.0.1:9", out), gpu) == 1
    assert "does not answer" in capsys.readouterr().err
    with serving(SimulatedEngine(gpu, LAW), tells_usage=False) as url:
        assert calibrate(arguments(url, out), gpu) == 1
        assert "tell no token counts" in capsys.readouterr().err
        assert calibrate(arguments(url, out, model="other"), gpu) == 1
        assert "--model" in capsys.readouterr().err
    assert calibrate(arguments("no-url", out), gpu) == 1
    assert "is not a URL" in capsys.readouterr().err
    assert calibrate(arguments("http://127.0.0.1:9", tmp_path / "nowhere" / "m.json"), gpu) == 1
    assert "--out" in capsys.readouterr().err


async def _make(calibration: Path) -> Sidecar:
    return Sidecar(read_settings({"calibration": str(calibration)}, {}))


def test_a_sidecar_refuses_a_broken_calibration(tmp_path: Path) -> None:
    broken = tmp_path / "c.json"
    broken.write_text("{}")
    with pytest.raises(SettingsError, match="calibration cannot be used") as caught:
        asyncio.run(_make(broken))
    assert "--calibration" in caught.value.remedy
    with pytest.raises(SettingsError, match="calibration cannot be used"):
        asyncio.run(_make(tmp_path / "nothing.json"))
