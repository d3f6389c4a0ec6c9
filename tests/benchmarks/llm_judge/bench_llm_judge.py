"""`python tests/benchmarks/llm_judge/bench_llm_judge.py DATA`: makes the root importable, runs `main`."""

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
runpy.run_module("tests.benchmarks.llm_judge.main", run_name="__main__")
