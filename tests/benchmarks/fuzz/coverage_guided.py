"""Coverage-guided fuzzing of the pipeline inside one process, with atheris.

    python3.11 -m venv /tmp/atheris && /tmp/atheris/bin/pip install atheris==3.0.0
    PYTHONPATH=.:.venv/lib/python3.11/site-packages /tmp/atheris/bin/python \\
        -m tests.benchmarks.fuzz.coverage_guided -max_total_time=600 /tmp/corpus

atheris brings a compiler's runtime, so it has an environment of its own and is no dependency. What
is run is what a request runs before the journal: decompress, decode, translate, pack. Anything but
an `ApiError` stops it and is written to `crash-*`. Arguments are libFuzzer's; the last one is the
folder of the corpus, which begins with a valid body of each kind.
"""

import gzip
import sys
import time
from collections.abc import Callable
from pathlib import Path

import atheris  # type: ignore[import-untyped]
from backports import zstd
from tests.benchmarks.fuzz.mutate import valid_messages
from tests.fixtures.otlp_json import json_of

with atheris.instrument_imports(include=["tachograph_collector"]):
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    from tachograph_collector.errors import ApiError
    from tachograph_collector.otlp.compression import decompress
    from tachograph_collector.otlp.decode import Encoding, decode
    from tachograph_collector.settings import CollectorSettings
    from tachograph_collector.translate.limits import Limits, Window
    from tachograph_collector.translate.logs import translate_logs
    from tachograph_collector.translate.metrics import translate_metrics
    from tachograph_collector.translate.outcome import Rejections
    from tachograph_collector.translate.spans import translate_spans
    from tachograph_store.settings import StoreSettings


_LIMITS = Limits.of(CollectorSettings(), StoreSettings())
_COMPRESS: tuple[Callable[[bytes], bytes], ...] = (bytes, gzip.compress, zstd.compress)
_ENCODINGS = (Encoding.PROTOBUF, Encoding.JSON)
_CODINGS = ("", "gzip", "zstd")
_MAX_BYTES = 1 << 20


def one(data: bytes) -> None:
    """The first byte says which request it is, the rest is its body."""
    if not data:
        return
    kind, body = data[0], data[1:]
    encoding = _ENCODINGS[kind % 2]
    window = Window.around(time.time_ns(), _LIMITS.retention_days)
    rejections = Rejections()
    try:
        content = decompress(body, _CODINGS[kind // 2 % 3], _MAX_BYTES)
        match kind // 6 % 3:
            case 0:
                traces = decode(content, encoding, ExportTraceServiceRequest)
                translate_spans(traces, "p", window, _LIMITS, rejections)
            case 1:
                metrics = decode(content, encoding, ExportMetricsServiceRequest)
                translate_metrics(metrics, "p", window, _LIMITS, rejections)
            case _:
                logs = decode(content, encoding, ExportLogsServiceRequest)
                translate_logs(logs, "p", "", window, _LIMITS, rejections)
    except ApiError:
        return


def write_corpus(folder: Path) -> None:
    """A valid body of each signal, encoding and compression, with the byte that says so."""
    folder.mkdir(parents=True, exist_ok=True)
    for signal, messages in enumerate(valid_messages().values()):
        bodies = (messages[0].SerializeToString(), json_of(messages[0]))
        for encoding, body in enumerate(bodies):
            for coding, compress in enumerate(_COMPRESS):
                kind = encoding + 2 * coding + 6 * signal
                (folder / f"valid-{kind}").write_bytes(bytes([kind]) + compress(body))


def main() -> None:
    """Fuzz until libFuzzer's arguments say stop."""
    write_corpus(Path(sys.argv[-1]))
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
