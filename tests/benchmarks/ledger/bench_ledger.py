"""`make bench-ledger`: makes the repository's root importable and runs `main`."""

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
runpy.run_module("tests.benchmarks.ledger.main", run_name="__main__")
