"""What a recorded call costs its caller: Tachograph beside bare OpenTelemetry and its peers.

    python tests/benchmarks/sdk/bench_sdk.py             everything, about 11 minutes
    python tests/benchmarks/sdk/bench_sdk.py --quick     ours and bare OpenTelemetry, a minute
    python tests/benchmarks/sdk/bench_sdk.py --million   only memory over a million calls

Each peer runs from its own package in an environment of its own, made from the lock files in
`peers/` and kept in `--cache`. The last line is one JSON object.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.benchmarks.sdk.main import main

if __name__ == "__main__":
    main()
