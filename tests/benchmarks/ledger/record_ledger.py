"""Records on a GPU what `make bench-ledger` replays: the repository's root importable, then `record`."""

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
runpy.run_module("tests.benchmarks.ledger.record", run_name="__main__")
