"""Raw readings of a GPU and of the requests it served, as JSON lines in gzip.

A header (devices, driver, hashes of the scripts, time), then lines of kind power, energy, experiment,
request and calibration. Times are nanoseconds of one monotonic clock; the events of a request are kept
as gaps in microseconds, which compress.
"""

import gzip
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tachograph_sidecar.ledger.weights import EnergyWeights


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request as its client saw it; `events_ns` are the events that carried output."""

    key: int
    experiment: int
    begin_ns: int
    events_ns: Sequence[int]
    end_ns: int
    prompt_bytes: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Experiment:
    """One load, with nothing else on the GPU before and after.

    Attributes:
        kind: mixed | isolated | warm-up | with | without | twins.
        pair: number of the leave-one-out pair; None for the other kinds.
        subject: key of the request that is left out, or in `isolated` of the one in the mixed load
            that is sent again alone; twins: of the first twin, the second has the next key.
        start_ns, stop_ns: from a margin before the first request to one after the last.
    """

    number: int
    kind: str
    pair: int | None
    subject: int | None
    start_ns: int
    stop_ns: int


@dataclass(slots=True)
class Recording:
    """Everything of one recording session."""

    header: Mapping[str, Any]
    power: list[tuple[int, list[float | None]]] = field(default_factory=list)
    energy: list[tuple[int, int, float]] = field(default_factory=list)  # time, device, joules
    experiments: list[Experiment] = field(default_factory=list)
    requests: list[RequestRecord] = field(default_factory=list)
    weights: EnergyWeights | None = None

    @property
    def is_warmed_up(self) -> bool:
        """Whether each batch was answered once before it was measured with and without a request.

        Where not, the first run of a batch holds what the engine does for lengths that it never met.
        """
        return any(one.kind == "warm-up" for one in self.experiments)

    def write(self, path: Path) -> None:
        """Raises OSError."""
        with gzip.open(path, "wt", encoding="utf-8") as file:

            def line(kind: str, document: Mapping[str, Any]) -> None:
                file.write(json.dumps({"kind": kind, **document}, separators=(",", ":")) + "\n")

            line("header", self.header)
            if self.weights is not None:
                line("calibration", asdict(self.weights))
            for at_ns, watts in self.power:
                line("power", {"t_ns": at_ns, "watts": watts})
            for at_ns, device, joules in self.energy:
                line("energy", {"t_ns": at_ns, "device": device, "energy_j": joules})
            for experiment in self.experiments:
                facts = asdict(experiment)
                line("experiment", {"load": facts.pop("kind"), **facts})
            for request in self.requests:
                facts = asdict(request)
                times_us = [(at - request.begin_ns) // 1_000 for at in facts.pop("events_ns")]
                gaps_us = [b - a for a, b in itertools.pairwise([0, *times_us])]
                line("request", {**facts, "event_gaps_us": gaps_us})


def read_recording(path: Path) -> Recording:
    """Raises ValueError for a file that is no recording, OSError when it cannot be read."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        header = json.loads(next(file, "{}"))
        if header.pop("kind", None) != "header" or header.get("format") != 1:
            raise ValueError(f"{path} is no ledger recording: its first line is no header")
        found = Recording(header)
        for text in file:
            one = json.loads(text)
            match one.pop("kind"):
                case "power":
                    found.power.append((one["t_ns"], one["watts"]))
                case "energy":
                    found.energy.append((one["t_ns"], one["device"], one["energy_j"]))
                case "calibration":
                    found.weights = EnergyWeights(**one)
                case "request":
                    gaps_us = one.pop("event_gaps_us")
                    times_ns = [
                        one["begin_ns"] + us * 1_000 for us in itertools.accumulate(gaps_us)
                    ]
                    found.requests.append(RequestRecord(**one, events_ns=times_ns))
                case "experiment":
                    found.experiments.append(Experiment(kind=one.pop("load"), **one))
                case kind:
                    raise ValueError(f"{path} holds a line of unknown kind {kind!r}")
    return found
