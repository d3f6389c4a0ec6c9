"""The load: precomputed request bodies over kept-alive connections, from a process of its own.

Closed loop (each connection sends its next body when the last was answered) or open loop (bodies
are due at a fixed rate, whatever the server does). The process is forked, so bodies are not
copied; what it costs in CPU is measured, because it shares the machine with what it measures.
"""

import http.client
import itertools
import multiprocessing
import resource
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from tests.benchmarks.ingest.spans import Body

_TIMEOUT_S = 120.0
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Target:
    """Where bodies go."""

    host: str
    port: int
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one body."""

    index: int  # of the body
    status: int  # 0: the connection broke or timed out
    took_s: float
    says_when: bool  # it had a Retry-After
    text: bytes  # the answer's beginning


@dataclass(slots=True)
class Outcome:
    """All answers of one run."""

    bodies: Sequence[Body]
    answers: list[Answer] = field(default_factory=list)
    began_s: float = 0.0
    """When the first body was begun (`time.perf_counter`, the same clock in all processes): the load
    process had to be forked first."""
    wall_s: float = 0.0
    cpu_s: float = 0.0  # of the client

    @property
    def acknowledged(self) -> list[Body]:
        """Bodies that were answered with success."""
        return [self.bodies[a.index] for a in self.answers if 200 <= a.status < 300]

    @property
    def accepted(self) -> int:
        """Spans in them."""
        return sum(body.spans for body in self.acknowledged)

    @property
    def refused(self) -> int:
        """Spans refused with 429 or 503: the sender keeps them and comes again."""
        return sum(self.bodies[a.index].spans for a in self.answers if a.status in (429, 503))

    @property
    def failed(self) -> int:
        """Spans of requests that ended in any other way."""
        sent = sum(self.bodies[answer.index].spans for answer in self.answers)
        return sent - self.accepted - self.refused

    @property
    def unsent(self) -> int:
        """Spans that were due but found no free connection before the end."""
        return sum(body.spans for body in self.bodies) - sum(
            self.bodies[answer.index].spans for answer in self.answers
        )

    @property
    def problems(self) -> list[str]:
        """One example of each kind of answer that was neither success nor refusal."""
        seen = {a.status: a.text for a in self.answers if a.status not in (429, 503)}
        return [f"{s}: {t[:200]!r}" for s, t in seen.items() if not 200 <= s < 300]

    def latency_ms(self, share: float) -> float:
        """A percentile of the successful requests, milliseconds from the first byte sent."""
        times = sorted(a.took_s for a in self.answers if 200 <= a.status < 300)
        return times[min(len(times) - 1, int(share * len(times)))] * 1e3 if times else 0.0


def send(
    target: Target,
    bodies: Sequence[Body],
    *,
    connections: int,
    bodies_per_s: float | None = None,
    duration_s: float | None = None,
) -> Outcome:
    """Send bodies and wait for the answers; after `duration_s` no further body is begun."""
    here, there = _FORK.Pipe(duplex=False)
    process = _FORK.Process(
        target=_work,
        args=(there, target, bodies, connections, bodies_per_s, duration_s),
        name="load",
    )
    process.start()
    there.close()
    try:
        outcome = Outcome(bodies)
        outcome.answers, outcome.began_s, outcome.wall_s, outcome.cpu_s = here.recv()
    finally:
        here.close()
        process.join()
    return outcome


def _work(
    result: Connection,
    target: Target,
    bodies: Sequence[Body],
    connections: int,
    bodies_per_s: float | None,
    duration_s: float | None,
) -> None:
    answers: list[Answer] = []
    indexes = itertools.count()
    began = time.perf_counter()
    end = began + duration_s if duration_s is not None else float("inf")

    def run() -> None:
        connection = http.client.HTTPConnection(target.host, target.port, timeout=_TIMEOUT_S)
        while (index := next(indexes)) < len(bodies):
            if bodies_per_s is not None:
                time.sleep(max(0.0, began + index / bodies_per_s - time.perf_counter()))
            if time.perf_counter() >= end:
                break
            answers.append(_post(connection, target, bodies[index], index))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    result.send((answers, began, time.perf_counter() - began, usage.ru_utime + usage.ru_stime))
    result.close()


def _post(connection: http.client.HTTPConnection, target: Target, body: Body, index: int) -> Answer:
    began = time.perf_counter()
    try:
        connection.request("POST", target.path, body.content, dict(target.headers))
        response = connection.getresponse()
        text = response.read()[:1000]
    except (OSError, http.client.HTTPException) as error:
        connection.close()  # the next request opens it again
        return Answer(index, 0, time.perf_counter() - began, False, repr(error).encode())
    says_when = response.headers.get("retry-after") is not None
    return Answer(index, response.status, time.perf_counter() - began, says_when, text)
