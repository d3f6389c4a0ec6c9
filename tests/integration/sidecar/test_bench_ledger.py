"""Recording and replaying of the ledger's benchmark, small, on a GPU that follows a law exactly."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.benchmarks.ledger.experiments import QUICK, read_trace
from tests.benchmarks.ledger.record import record
from tests.benchmarks.ledger.recording import Recording, read_recording
from tests.benchmarks.ledger.replay import counter_growth_j
from tests.fixtures.simulated_gpu import SimulatedEngine, SimulatedGpu, serving

from tachograph_sidecar.ledger.weights import EnergyWeights

BENCH = Path(__file__).parents[2] / "benchmarks" / "ledger" / "bench_ledger.py"
LAW = EnergyWeights(
    prefill_token=0.05,
    step=1.0,
    decode_token=0.1,
    kv_token=4e-4,
    relative_error=None,
    source="law",
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quick recording of the simulated GPU."""
    out = tmp_path_factory.mktemp("ledger") / "simulated.jsonl.gz"
    gpu = SimulatedGpu()
    with serving(SimulatedEngine(gpu, LAW, step_s=0.002)) as url:
        arguments = argparse.Namespace(
            upstream=url, model="m", out=out, trace=None, seed=7, quick=True,
            pairs=None, turns=None, only_pairs=False, calibration=None,
        )  # fmt: skip
        assert record(gpu, arguments) == 0
    return out


def test_a_recording_holds_the_raw_readings_and_who_made_them(file: Path) -> None:
    recording = read_recording(file)
    assert recording.header["devices"][0]["uuid"] == "GPU-simulated"
    assert "record.py" in recording.header["scripts_sha256"]
    assert recording.weights is not None and recording.weights.source == "calibrated"
    kinds = [experiment.kind for experiment in recording.experiments]
    assert kinds.count("with") == kinds.count("without") == QUICK.pairs
    # half of the pairs run the other way round
    first = {e.pair: e.kind for e in reversed(recording.experiments) if e.pair is not None}
    assert set(first.values()) == {"with", "without"}
    assert kinds.count("isolated") == QUICK.isolated
    assert all(len(one.events_ns) == one.output_tokens for one in recording.requests)
    assert counter_growth_j(recording) > 0


def test_the_command_prints_one_object_at_the_end(file: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH), str(file)], capture_output=True, text=True, check=True
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["bench"] == "ledger"
    assert {
        "conservation_error", "unattributed_share", "twin_spread", "spearman_measured",
        "spearman_time_share", "leave_one_out_error_median",
    } <= set(figures)  # fmt: skip
    assert "at most 0.02" in done.stdout


def test_other_files_are_refused(tmp_path: Path, file: Path) -> None:
    broken = tmp_path / "x.jsonl.gz"
    Recording({"format": 2}).write(broken)
    with pytest.raises(ValueError, match="no header"):
        read_recording(broken)


def test_a_trace_of_azures_gives_arrivals_and_lengths(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:17:03.9799600,374,44\n"
        "2023-11-16 18:17:04.0319600,90000,2\n"
    )
    first, second = read_trace(trace, QUICK)
    assert (first.prompt_tokens, first.output_tokens, first.delay_s) == (
        374,
        QUICK.longest_answer,
        0,
    )
    assert second.prompt_tokens == QUICK.longest_prompt
    assert second.delay_s == pytest.approx(0.052)
    trace.write_text("a,b\n1,2\n")
    with pytest.raises(SystemExit, match="no trace"):
        read_trace(trace, QUICK)
