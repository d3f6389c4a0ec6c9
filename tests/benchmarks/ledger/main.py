"""Replays recorded readings of a GPU through the ledger: `make bench-ledger ARGS=recording.jsonl.gz`.

Without an argument every file in `recordings/` beside this script. Prints the figures of each, the bars
that they have to reach, then one JSON object: the worst of all recordings, ranks and errors only of those
whose batches were warmed up before they were measured, where there are any (`ranked`). `record_ledger.py` makes recordings. `--virtual` replays
GPUs in virtual time that follow an energy law exactly: what the ledger could reach at best.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import track
from rich.table import Table
from tests.benchmarks.ledger import page
from tests.benchmarks.ledger.recording import Recording, read_recording
from tests.benchmarks.ledger.replay import (
    TIME_SHARE,
    counter_growth_j,
    expected_left_out,
    isolated,
    leave_one_out,
    replay,
    twin_spreads,
)
from tests.fixtures.ledger_recording import virtual_recording

from tachograph_sidecar.ledger.weights import EnergyWeights, roofline

LAWS: Final = {
    "light steps": EnergyWeights(0.06, 1.0, 0.4, 2e-4, relative_error=None, source="calibrated"),
    "heavy steps": EnergyWeights(0.03, 4.0, 0.05, 2e-4, relative_error=None, source="calibrated"),
}
"""Joules of a prompt token, a step, an output token and a context token read."""

RECORDINGS: Final = Path(__file__).parent / "recordings"
_BARS: Final = {
    "conservation_error": "at most 0.02",
    "unattributed_share": "at most 0.02",
    "twin_spread": "below 0.05",
    "spearman_measured": "at least 0.9, and 0.05 above spearman_time_share",
}


def main() -> int:
    """Replay and print; 2 without a recording."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", nargs="*", type=Path, help="FILE.jsonl.gz")
    parser.add_argument(
        "--uncalibrated", action="store_true", help="weights from arithmetic, not the recorded ones"
    )
    parser.add_argument("--virtual", action="store_true", help="no GPU: two laws, exactly followed")
    parser.add_argument("--docs", action="store_true", help="write table and pictures of the docs")
    arguments = parser.parse_args()
    sources: dict[str, Callable[[], Recording]] = {
        file.name: partial(read_recording, file)
        for file in arguments.recordings or sorted(RECORDINGS.glob("*.jsonl.gz"))
    }
    if arguments.virtual:
        sources = {name: partial(virtual_recording, law) for name, law in LAWS.items()}
    if not sources:
        print(
            f"no recording: make one on a GPU with {Path(__file__).with_name('record_ledger.py')}"
        )
        return 2
    console = Console(width=120)
    figures: dict[str, Any] = {}
    recordings: dict[str, Recording] = {}
    each: dict[str, Mapping[str, float | int | None]] = {}
    bar = Console(stderr=True)
    for source, read in track(sources.items(), description="recordings", console=bar):
        recording = recordings[source] = read()
        found = each[source] = measure(recording, is_calibrated=not arguments.uncalibrated)
        console.print(_table(source, recording, found))
    ranked = [name for name, one in recordings.items() if one.is_warmed_up] or list(each)
    for source, values in each.items():
        for name, value in values.items():
            if source in ranked or not _is_of_ranks(name):
                before = figures.get(name)
                figures[name] = value if before is None else _worse(name, before, value)
    figures["ranked"] = ranked
    if arguments.docs:
        page.write(recordings, each)
    virtual = {"is_virtual": True} if arguments.virtual else {}
    print(json.dumps({"bench": "ledger", **figures, **virtual}))
    return 0


def measure(recording: Recording, *, is_calibrated: bool) -> dict[str, float | int | None]:
    """The figures of one recording.

    `conservation_error`: |requests + idle + others - counter| / counter, metered by the power against the
    first and last raw reading of the counter, before any remainder is booked; time that was not settled
    counts as error. `unattributed_share`: the same in the ledger's own account, over settled time.
    `spearman_*`: the lower of those against leave-one-out and against isolated replays. `*_by_weights`: of what
    the weights expect of leaving a request out, which no split can give: how far the truth itself is noise.
    """
    weights = recording.weights if is_calibrated and recording.weights is not None else roofline()
    own, by_time = replay(recording, weights), replay(recording, TIME_SHARE)
    accounts, counter_j = own.accounts, counter_growth_j(recording)
    metered_j = accounts.requests_j + accounts.idle_j + accounts.others_j
    settled_j = accounts.counter_j
    left_out, left_out_time = leave_one_out(recording, own), leave_one_out(recording, by_time)
    alone, alone_time = isolated(recording, own), isolated(recording, by_time)
    spreads = twin_spreads(recording, own)
    by_weights = expected_left_out(recording, weights)
    truths = [
        (mine, times)
        for mine, times in (
            (left_out.spearman, left_out_time.spearman),
            (alone.spearman, alone_time.spearman),
        )
        if mine is not None
    ]
    lowest = min(truths, key=lambda pair: pair[0], default=(None, None))
    return {
        "conservation_error": _share(metered_j - counter_j, counter_j),
        "unattributed_share": accounts.unattributed_share,
        "twin_spread": max(spreads, default=None),
        "spearman_measured": lowest[0],
        "spearman_time_share": lowest[1],
        "leave_one_out_error_median": left_out.error_median,
        "leave_one_out_error_median_time_share": left_out_time.error_median,
        "spearman_leave_one_out": left_out.spearman,
        "spearman_leave_one_out_time_share": left_out_time.spearman,
        "spearman_leave_one_out_by_weights": by_weights.spearman,
        "leave_one_out_error_median_by_weights": by_weights.error_median,
        "spearman_isolated": alone.spearman,
        "spearman_isolated_time_share": alone_time.spearman,
        "settled_share": _share(settled_j, counter_j),
        "pairs": len(left_out.given_j),
        "isolated": len(alone.given_j),
        "requests": len(recording.requests),
    }


def _table(source: str, recording: Recording, found: Mapping[str, float | int | None]) -> Table:
    devices = ", ".join(str(device["model"]) for device in recording.header["devices"])
    when = recording.header["recorded_at"]
    weights = "calibrated" if recording.weights is not None else "by arithmetic"
    table = Table(title=f"{source}: {devices}, {when}, weights {weights}", title_justify="left")
    for heading in ("figure", "value", "bar"):
        table.add_column(heading)
    for name, value in found.items():
        shown = "–" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
        table.add_row(name, shown, _BARS.get(name, ""))
    return table


def _is_of_ranks(name: str) -> bool:
    """Whether a figure compares with energies measured apart, for which batches are warmed up."""
    return name.startswith(("spearman", "leave_one_out")) or name in ("pairs", "isolated")


def _share(part: float, whole: float) -> float | None:
    return abs(part) / whole if whole else None


def _worse(name: str, one: float, other: float | None) -> float | None:
    """Of several recordings the worst counts: high errors, low correlations; counts add up."""
    if other is None:
        return one
    if name in ("pairs", "isolated", "requests"):
        return one + other
    is_better_high = name.startswith("spearman") or name == "settled_share"
    return min(one, other) if is_better_high else max(one, other)


if __name__ == "__main__":
    raise SystemExit(main())
