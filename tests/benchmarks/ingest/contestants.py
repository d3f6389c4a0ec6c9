"""What the benchmark asks of a product, ours included."""

from collections.abc import Mapping
from typing import Protocol

from tests.benchmarks.ingest.client import Target
from tests.benchmarks.ingest.processes import Servers

PROTOBUF = {"content-type": "application/x-protobuf"}


class Contestant(Protocol):
    """One product with an empty store of its own."""

    name: str
    version: str
    servers: Servers
    max_round_spans: int
    """More would take minutes a round."""

    def start(self) -> None:
        """Start the servers; return when they take spans."""

    def begin(self, phase: str) -> Target:
        """Where the spans of a new phase go; `stored` counts from 0 where the product has
        projects, and goes on counting where it has none."""

    def stored(self) -> int:
        """Spans that can be asked for now, by the product's own API or its database."""

    def stored_by_trace(self) -> Mapping[str, tuple[int, int]]:
        """Trace id -> rows, distinct spans; of the phase at least."""

    def disk_bytes(self) -> int:
        """What its directory takes."""

    def stop(self) -> None:
        """End the servers and remove what they stored."""
