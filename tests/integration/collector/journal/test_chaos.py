"""`make chaos` in short: killed at moments of a seed, nothing is lost, doubled or unbalanced."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).parents[3] / "benchmarks" / "chaos" / "chaos.py"


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [7])
def test_acknowledged_spans_survive_four_kills_once_each(tmp_path: Path, seed: int) -> None:
    command = [sys.executable, str(CHAOS), "--kills", "4", "--seed", str(seed), "--away-s", "4"]
    quick = ["--between-s", "2", "--spans-per-s", "800", "--folder", str(tmp_path)]
    run = subprocess.run([*command, *quick], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(run.stdout.splitlines()[-1])
    assert (figures["kills"], figures["lost"], figures["duplicates"]) == (4, 0, 0)
    assert (figures["unbalanced"], figures["strangers"]) == (0, 0)
    assert figures["acknowledged"] > 100
    assert figures["looks"] > 4
