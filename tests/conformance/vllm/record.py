"""Keeps what a vLLM server said, for tests that run without it."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.conformance.recorder import Recorder, scrubbed
from tests.conformance.vllm.calls import CALLS, Call, ask

FIXTURES: Final = Path(__file__).resolve().parents[2] / "fixtures" / "vllm"
_FOLDER = re.compile(r"/[^\s\"']*/(?=(?:tiny|fine)\b)")
_KEPT_CONFIG: Final = {
    "model_config": ("model", "quantization", "dtype"),
    "parallel_config": ("tensor_parallel_size", "pipeline_parallel_size"),
    "attention_config": ("backend",),
    "cache_config": ("cache_dtype",),
}
"""Of `/server_info`: the rest is 27 kB about the machine."""


def keep(url: str, page: str, watch: Recorder) -> None:
    """Write the pages of the server at `url`, two of its answers, and its traces."""
    FIXTURES.mkdir(parents=True, exist_ok=True)
    (FIXTURES / "metrics.txt").write_text(page)
    info = httpx.get(f"{url}/server_info?config_format=json").json()["vllm_config"]
    pages: dict[str, Any] = {
        "recorded": {
            "by": "python tests/conformance/vllm_server.py --record",
            "on": datetime.now(UTC).date().isoformat(),
        },
        "/version": httpx.get(f"{url}/version").json(),
        "/v1/models": httpx.get(f"{url}/v1/models").json(),
        "/server_info?config_format=json": {
            "vllm_config": {
                part: {name: info[part][name] for name in names}
                for part, names in _KEPT_CONFIG.items()
            }
        },
    }
    with httpx.Client(base_url=url, timeout=60) as client:
        for call in CALLS:
            if call.label in ("chat", "chat-stream-usage"):
                again = Call(f"{call.label}-kept", call.path, call.body)
                pages[call.label] = ask(client, again).answers
    text = _FOLDER.sub("/models/", json.dumps(pages, indent=1))
    (FIXTURES / "pages.json").write_text(text + "\n")
    (FIXTURES / "traces.pb").write_bytes(_requests_of(watch))


def _requests_of(watch: Recorder) -> bytes:
    """The spans of requests in one body, without those about loading the model."""
    kept = ExportTraceServiceRequest()
    for signal, body in watch.bodies:
        sent = ExportTraceServiceRequest.FromString(body)
        is_of_requests = any(
            span.name == "llm_request"
            for resource in sent.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        )
        if signal == "traces" and is_of_requests:
            kept.MergeFrom(sent)
    return scrubbed("traces", kept.SerializeToString())
