"""CPU of a span on its way through the collector, stage by stage.

    python -m tests.benchmarks.journal.stages --spans 5000

The traffic of the ingest benchmark in bodies of 100 spans, in one thread, each stage the best of
five: what HTTP, the disk and the store cost is not in it. The last line is JSON: microseconds of
CPU a span.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from rich.progress import track
from tests.benchmarks.ingest.spans import Stream
from tests.benchmarks.journal.columns import SPAN_TYPES, block_of

from tachograph_collector.journal.block import merge
from tachograph_collector.journal.codec import Draft, pack, unpack
from tachograph_collector.otlp.decode import Encoding, decode, decoder
from tachograph_collector.pricing import Pricer
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.translate.fields import read_attributes
from tachograph_collector.translate.limits import Limits, Window
from tachograph_collector.translate.outcome import Rejections
from tachograph_collector.translate.row import span_columns
from tachograph_collector.translate.spans import SpanTranslator
from tachograph_store.identities import SpanKey
from tachograph_store.settings import StoreSettings
from tachograph_store.span_plan import plan_spans

_ROUNDS = 5
_BODY_SPANS = 100

Result = TypeVar("Result")


class Stages:
    """Times stages and keeps what they cost."""

    def __init__(self, spans: int) -> None:
        self._spans = spans
        self.cpu_us: dict[str, float] = {}

    def time(self, name: str, run: Callable[[], Result]) -> Result:
        """The result of a stage, whose cost is kept under its name."""
        best_s = float("inf")
        for _ in track(range(_ROUNDS), description=name, transient=True):
            began = time.process_time()
            result = run()
            best_s = min(best_s, time.process_time() - began)
        self.cpu_us[name] = round(best_s / self._spans * 1e6, 2)
        return result


def measure(spans: int) -> dict[str, float]:
    """Microseconds of CPU a span, by stage."""
    bodies = [body.content for body in Stream(spans).bodies(_BODY_SPANS)]
    settings = CollectorSettings()
    limits = Limits.of(settings, StoreSettings())
    window = Window.around(time.time_ns(), limits.retention_days)
    translator, pricer = SpanTranslator(limits), Pricer(settings)
    stages = Stages(spans)

    def parse(body: bytes) -> ExportTraceServiceRequest:
        return decode(body, Encoding.PROTOBUF, ExportTraceServiceRequest)

    requests = stages.time("official parser (rare)", lambda: [parse(body) for body in bodies])
    every_span = [
        span
        for request in requests
        for of_resource in request.resource_spans
        for of_scope in of_resource.scope_spans
        for span in of_scope.spans
    ]
    stages.time(
        "attributes by all rules (rare)",
        lambda: [read_attributes(span.attributes, 0, limits) for span in every_span],
    )
    translated = stages.time(
        "translate",
        lambda: [
            translator.translate(
                decoder(body, Encoding.PROTOBUF, ExportTraceServiceRequest),
                body,
                "p",
                window,
                Rejections(),
            )
            for body in bodies
        ],
    )

    def price() -> None:
        for part in translated:
            for row in part.rows:
                pricer.price_values(row, None)

    stages.time("price", price)
    packed = stages.time(
        "to the journal's JSON",
        lambda: [
            pack(
                Draft(
                    "p",
                    "spans",
                    Counter(part.sources),
                    tables={"spans": span_columns(part.rows)},
                )
            )
            for part in translated
        ],
    )
    unpacked = stages.time("from it", lambda: [unpack(part.meta, part.payload) for part in packed])
    table = stages.time("merge to a block", lambda: merge(unpacked))["spans"]
    identities = [table.columns[name] for name in SpanKey._fields]
    keys = stages.time("keys", lambda: [SpanKey(*key) for key in zip(*identities, strict=True)])
    stages.time("plan", lambda: plan_spans(keys, {}, 1))
    stages.time("to Native columns", lambda: block_of(table.columns, SPAN_TYPES))
    return stages.cpu_us


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spans", type=int, default=5_000, help="a multiple of 100")
    args = parser.parse_args()
    cpu_us = measure(args.spans)
    for name, figure in cpu_us.items():
        print(f"{name:32}{figure:9.2f} µs/span")
    once = sum(figure for name, figure in cpu_us.items() if not name.endswith("(rare)"))
    print(f"{'sum without the rare one':32}{once:9.2f} µs/span")
    result = {"bench": "journal_stages", "spans": args.spans, "sum_us": round(once, 2)}
    print(json.dumps({**result, "cpu_us_per_span": cpu_us}))


if __name__ == "__main__":
    main()
