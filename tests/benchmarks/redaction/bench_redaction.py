"""What redaction costs: spans of 2.5 kB of text in the collector, chunks of a stream in the sidecar.

    python tests/benchmarks/redaction/bench_redaction.py [--spans 400] [--chunks 4000]

CPU seconds of this process. The last line is one JSON object.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tachograph_collector.redaction import ProjectRedaction
from tachograph_collector.translate.row import DEFAULTS, INDEX
from tachograph_detectors.redact import Redactor
from tachograph_sidecar.redact.events import EventFilter

KINDS = (("pii", "secret"), ("pii", "secret", "name"))
PROSE = (
    "The council met on Tuesday and spoke about the harbour. Write to ada.lovelace@example.org or "
    "call +49 170 1234567 before Friday. The invoice of 1,204.50 euros was paid by card. "
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="cost of redaction")
    parser.add_argument("--spans", type=int, default=400)
    parser.add_argument("--chunks", type=int, default=4000)
    args = parser.parse_args()
    figures: dict[str, Any] = {"bench": "redaction"}
    for names in KINDS:
        redactor = Redactor.of(names)
        label = "+".join(names)
        rows = [row() for _ in range(args.spans)]
        spans_s = cpu_s(partial(ProjectRedaction(redactor).span_values, rows))
        body = chunks(args.chunks)
        stream_s = cpu_s(partial(passed, EventFilter(redactor), body))
        figures[f"{label} span_us"] = round(spans_s / args.spans * 1e6)
        figures[f"{label} chunk_us"] = round(stream_s / args.chunks * 1e6, 1)
        print(f"{label:>18}: {figures[f'{label} span_us']} us a span of 2.5 kB, "
              f"{figures[f'{label} chunk_us']} us a chunk of a stream")  # fmt: skip
    print(json.dumps(figures))


def row() -> list[Any]:
    """A span's row with a prompt of 1.5 kB and an answer of 1 kB."""
    values = list(DEFAULTS)
    text = (PROSE * 9)[:1500]
    values[INDEX["prompt"]] = json.dumps([{"role": "user", "content": text}])
    values[INDEX["completion"]] = json.dumps([{"role": "assistant", "content": text[:1000]}])
    values[INDEX["attributes"]] = {f"key.{n}": f"value {n}" for n in range(12)}
    return values


def chunks(count: int) -> list[bytes]:
    """Server-sent events with a word each."""
    words = (PROSE.split(" ") * (count // 20))[:count]
    return [
        b"data: "
        + json.dumps({"id": "c", "choices": [{"index": 0, "delta": {"content": f"{w} "}}]}).encode()
        + b"\n\n"
        for w in words
    ]


def passed(one: EventFilter, body: list[bytes]) -> int:
    """Bytes that came out."""
    return sum(len(one.feed(chunk)) for chunk in body) + len(one.finish())


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    main()
