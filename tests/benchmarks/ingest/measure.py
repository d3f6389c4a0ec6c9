"""One measurement each: a round, a rate for some seconds, a million spans, a cold start."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.progress import track
from tests.benchmarks.ingest.client import Outcome, Target, send
from tests.benchmarks.ingest.contestants import Contestant
from tests.benchmarks.ingest.processes import watched
from tests.benchmarks.ingest.spans import Body, Stream
from tests.benchmarks.ingest.tachograph_stack import TachographStack

_POLL_S = 0.02
_LAST_POLL_S = 0.5
_ASKING_SHARE = (
    10  # a question takes 4 ms of the engine's CPU: at most a tenth of the time is asking
)
_UNCERTAIN_SHARE = 0.03
"""Of a round's time: when the last span could be asked for is known as well as that. Behind a busy
engine one question may take 40 ms, and a pause of ten times that was a quarter of a short round."""
_STALL_S = 60.0  # no further span for so long: what is missing is lost


@dataclass(frozen=True, slots=True)
class Round:
    """A number of spans sent as fast as a contestant takes them, until all can be asked for."""

    spans: int
    queryable_s: float
    outcome: Outcome
    server_cpu_s: float
    peak_bytes: int

    @property
    def spans_per_s(self) -> float:
        return self.spans / self.queryable_s

    @property
    def cpu_us_a_span(self) -> float:
        """CPU of all the contestant's processes."""
        return self.server_cpu_s / self.spans * 1e6

    @property
    def client_share(self) -> float:
        """CPU of the load generator, in cores."""
        return self.outcome.cpu_s / self.queryable_s


@dataclass(frozen=True, slots=True)
class Held:
    """What a contestant did at an offered rate."""

    factor: float
    offered_per_s: float
    outcome: Outcome
    drained_s: float  # from the last answer until the last span could be asked for
    lost: int  # acknowledged, and not there
    duplicates: int
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Books:
    """Acknowledged spans compared with what is there."""

    lost: int
    duplicates: int


def run_round(
    contestant: Contestant, phase: str, bodies: Sequence[Body], connections: int
) -> Round:
    """Send bodies and wait until their spans can be asked for."""
    target = contestant.begin(phase)
    spans = sum(body.spans for body in bodies)
    before = contestant.stored()
    with watched(contestant.servers) as use:
        outcome = send(target, bodies, connections=connections)
        settled_at = settle(contestant, before + outcome.accepted, outcome.began_s)
    return Round(spans, settled_at - outcome.began_s, outcome, use.cpu_s, use.peak_bytes)


def run_insert(
    contestant: Contestant, target: Target, blocks: Sequence[Body], connections: int
) -> Round:
    """Send blocks to the engine itself, which answers when they can be asked for."""
    spans = sum(block.spans for block in blocks)
    with watched(contestant.servers) as use:
        outcome = send(target, blocks, connections=connections)
    if outcome.accepted != spans:
        raise RuntimeError(f"the engine refused blocks: {outcome.problems}")
    return Round(spans, outcome.wall_s, outcome, use.cpu_s, use.peak_bytes)


def hold(
    contestant: Contestant,
    phase: str,
    bodies: Sequence[Body],
    *,
    factor: float,
    spans_per_s: float,
    duration_s: float,
    connections: int,
) -> Held:
    """Offer `factor` times a rate for some seconds, then look for every acknowledged span."""
    target = contestant.begin(phase)
    before = contestant.stored()
    offered = factor * spans_per_s
    with watched(contestant.servers) as use:
        outcome = send(
            target,
            bodies,
            connections=connections,
            bodies_per_s=offered / bodies[0].spans,
            duration_s=duration_s,
        )
        answered_at = time.perf_counter()
        settled_at = settle(contestant, before + outcome.accepted, answered_at)
    found = books(contestant, outcome)
    drained_s = settled_at - answered_at
    return Held(factor, offered, outcome, drained_s, found.lost, found.duplicates, use.peak_bytes)


def bodies_for(stream: Stream, batch: int, spans: int) -> list[Body]:
    """That many spans with ids of their own, the texts from the beginning again when used up."""
    bodies: list[Body] = []
    while spans > 0:
        part = stream.bodies(batch, spans=min(spans, stream.spans))
        spans -= sum(body.spans for body in part)
        bodies += part
    return bodies


def settle(contestant: Contestant, expected: int, began: float | None = None) -> float:
    """When (perf_counter) the contestant had `expected` spans; or when it had the last it got.

    With `began`, when the round did, it asks so often that this is known to a share of the round.
    """
    last, last_at = -1, time.perf_counter()
    while True:
        asked_at = time.perf_counter()
        stored = contestant.stored()
        if stored >= expected:
            return time.perf_counter()
        if stored != last:
            last, last_at = stored, asked_at
        elif asked_at - last_at > _STALL_S:
            return last_at
        now = time.perf_counter()
        pause_s = min(_LAST_POLL_S, _ASKING_SHARE * (now - asked_at))
        if began is not None:
            pause_s = min(pause_s, _UNCERTAIN_SHARE * (now - began))
        time.sleep(max(_POLL_S, pause_s))


def books(contestant: Contestant, outcome: Outcome) -> Books:
    """Look for every span of every acknowledged body."""
    found = contestant.stored_by_trace()
    lost = duplicates = 0
    for body in outcome.acknowledged:
        spans_a_trace = body.spans // len(body.trace_ids)
        for trace_id in body.trace_ids:
            rows, different = found.get(trace_id, (0, 0))
            lost += max(0, spans_a_trace - different)
            duplicates += rows - different
    return Books(lost, duplicates)


@dataclass(frozen=True, slots=True)
class Step:
    """A part of many spans, sent as fast as they are taken until all can be asked for."""

    spans: int  # sent so far
    peak_bytes: int
    collector_bytes: int  # of the collector's processes, when all of them could be asked for
    spans_per_s: float
    behind_s: float  # from the last answer until the last span could be asked for


def million(
    contestant: TachographStack, stream: Stream, spans: int, connections: int, console: Console
) -> list[Step]:
    """Send a million spans in ten steps."""
    target = contestant.begin("million")
    steps: list[Step] = []
    stored, sent = contestant.stored(), 0
    for _ in track(range(10), description=f"{spans:,} spans", console=console):
        bodies = bodies_for(stream, 500, spans // 10)
        with watched(contestant.servers) as use:
            outcome = send(target, bodies, connections=connections)
            answered_at = time.perf_counter()
            sent += outcome.accepted
            settled_at = settle(contestant, stored + sent, outcome.began_s)
        rate = outcome.accepted / (settled_at - outcome.began_s)
        held_bytes = contestant.collector_bytes()
        steps.append(Step(sent, use.peak_bytes, held_bytes, rate, settled_at - answered_at))
    return steps


def cold_start(contestant: Contestant, body: Body) -> float:
    """Start it; seconds until a span that it took can be asked for."""
    began = time.perf_counter()
    contestant.start()
    target = contestant.begin("cold")
    before = contestant.stored()
    while not send(target, [body], connections=1).accepted:
        contestant.servers.check()
        time.sleep(_POLL_S)
    return settle(contestant, before + body.spans) - began
