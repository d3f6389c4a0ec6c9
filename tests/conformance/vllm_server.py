"""vLLM's real server behind the sidecar, and its own traces, against a collector and a store.

    python tests/conformance/vllm_server.py [--cache FOLDER] [--python PATH] [--record] [--no-restart]
        [--devices N]

vLLM's CPU build runs in an environment made from tests/benchmarks/sdk/peers/vllm.txt (or in that of
`--python`), with a tiny model of random weights and a LoRA adapter made on the spot. Each call goes
to the engine and through the sidecar; what is stored is compared with what the engine said: the
sidecar's spans, vLLM's own `llm_request` spans joined to them, the engine's metrics. Then the engine
is killed in the middle of a stream and started again. `--record` keeps its pages and traces in
tests/fixtures/vllm, which `make test` replays. `--devices 2` splits the layers over processes. Exit status 1 on a mismatch; the last line is JSON.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.sdk.processes import python_of
from tests.conformance.conformance import running_collector
from tests.conformance.recorder import Recorder, recorder
from tests.conformance.vllm.calls import CALLS, CHAT, LONG_STREAM, Call, ask, expected_columns
from tests.conformance.vllm.engine import VllmServer, running_sidecar
from tests.conformance.vllm.record import keep
from tests.fixtures.store_process import running_store

from tachograph_sidecar.engines.prometheus import parse_page
from tachograph_store.client import Store, connect

_DEADLINE_S = 120.0
_TOTALS = ("vllm:prompt_tokens_total", "vllm:generation_tokens_total", "vllm:num_requests_running")


class Checks:
    """Comparisons made and those that failed; `devices` is what spans must say."""

    def __init__(self, devices: int) -> None:
        self.devices = str(devices)
        self.count = 0
        self.failed: list[str] = []

    def same(self, what: str, expected: object, found: object) -> None:
        self.count += 1
        if expected != found:
            self.failed.append(f"{what}: expected {expected!r}, found {found!r}")

    def holds(self, what: str, is_so: bool) -> None:
        self.same(what, True, is_so)


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    """The first thing found that is true."""
    deadline = time.monotonic() + _DEADLINE_S
    while not (found := look()):
        if time.monotonic() > deadline:
            raise SystemExit(f"within {_DEADLINE_S:g} s there was not: {what}")
        time.sleep(0.2)
    return found


def spans_of(store: Store, observer: str, request_id: str) -> list[Mapping[str, Any]]:
    """The stored spans of one request as one observer saw it."""
    return list(
        store.query(
            "SELECT * FROM spans FINAL WHERE project = 'default' AND observer = {observer:String} "
            "AND request_id = {request_id:String} ORDER BY start_time",
            {"observer": observer, "request_id": request_id},
        )
    )


def readings(store: Store, name: str) -> list[float]:
    """Values of one metric, oldest first."""
    rows = store.query(
        "SELECT value FROM engine_readings FINAL WHERE project = 'default' "
        "AND name = {name:String} ORDER BY time",
        {"name": name},
    )
    return [row["value"] for row in rows]


def check_call(checks: Checks, store: Store, engine: str, sidecar: str, call: Call) -> None:
    """Ask the engine and the sidecar the same; compare answers and what is stored."""
    options = {"stream_options": {"include_usage": True}}
    told = {**call.body, **options} if call.body.get("stream") and call.path == CHAT else call.body
    if call.path == "/v1/completions" and call.body.get("stream"):
        told = {**call.body, **options}
    with httpx.Client(base_url=engine, timeout=_DEADLINE_S) as client:
        direct = ask(client, Call(f"{call.label}-direct", call.path, told))
        plain = ask(client, Call(f"{call.label}-plain", call.path, call.body))
    with httpx.Client(base_url=sidecar, timeout=_DEADLINE_S) as client:
        through = ask(client, call)
    label = call.label
    checks.same(f"{label}: status", plain.status, through.status)
    checks.same(f"{label}: x-request-id", label, through.request_id)
    checks.same(f"{label}: fields seen", _fields(plain.answers), _fields(through.answers))
    row = wait_for(f"the span of {label}", lambda: spans_of(store, "proxy", label))[0]
    found = {**row, "has_cache_read_tokens": row["cache_read_tokens"] is not None}
    expected = expected_columns(call, direct)
    if call.body.get("temperature") != 0.0:  # another answer each time
        expected.pop("output_tokens")
    for column, value in expected.items():
        checks.same(f"{label}: {column}", value, found[column])
    if through.status != 200:
        checks.same(f"{label}: output tokens", None, row["output_tokens"])
        return
    said = row["attributes"]
    checks.same(f"{label}: version", "0.32.0", said.get("tachograph.engine.version"))
    checks.holds(f"{label}: weights", said["tachograph.engine.weights"].endswith("tiny"))
    adapter = "fine" if call.body["model"] == "fine" else None
    checks.same(f"{label}: adapter", adapter, said.get("tachograph.engine.adapter"))
    found_devices = said.get("tachograph.engine.tensor_parallel_size")
    checks.same(f"{label}: devices", checks.devices, found_devices)
    if call.path == "/v1/responses" or row["input_tokens"] is None:
        return  # vLLM names these requests itself and tells no times; or usage was not asked for
    own = wait_for(f"vLLM's span of {label}", lambda: spans_of(store, "engine", label))
    checks.same(f"{label}: prompt tokens", row["input_tokens"] * _sequences(call) // _prompts(call),
                sum(span["input_tokens"] for span in own))  # fmt: skip
    checks.same(f"{label}: tokens", row["output_tokens"], sum(s["output_tokens"] for s in own))
    for span in own:
        checks.same(f"{label}: trace", row["trace_id"], span["trace_id"])
        checks.same(f"{label}: parent", row["span_id"], span["parent_span_id"])
        checks.same(f"{label}: counted", False, span["is_counted"])
        checks.same(f"{label}: provider", "vllm", span["provider"])
    if len(own) == 1 and call.path != "/v1/messages":  # there vLLM tells no times
        columns = ("queue_s", "prefill_s", "decode_s", "engine_time_to_first_token_s")
        for column in columns:
            is_close = row[column] is not None and abs(row[column] - own[0][column]) < 1e-6
            checks.holds(f"{label}: {column} {row[column]} as {own[0][column]}", is_close)


def _prompts(call: Call) -> int:
    prompt = call.body.get("prompt")
    return len(prompt) if isinstance(prompt, list) else 1


def _sequences(call: Call) -> int:
    """vLLM's spans: one a prompt and choice, each with the whole prompt."""
    return _prompts(call) * int(call.body.get("n", 1))


def _fields(answers: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    return {tuple(sorted(answer)) for answer in answers}


def check_metrics(checks: Checks, store: Store, engine: str) -> str:
    """The stored readings of a page, each in its kind; returns the page."""
    page = httpx.get(f"{engine}/metrics").text
    samples = [sample for sample in parse_page(page, ("vllm:",)) if sample is not None]
    for total in _TOTALS:
        value = sum(sample.value for sample in samples if sample.name == total)
        wait_for(f"{total} of {value}", lambda t=total, v=value: v in readings(store, t))  # type: ignore[misc]
    rows = store.query(
        "SELECT DISTINCT name, kind FROM engine_readings FINAL WHERE project = 'default' "
        "AND startsWith(name, 'vllm:')"
    )
    stored = {(row["name"], row["kind"]) for row in rows}
    checks.same("names and kinds of metrics", {(s.name, s.kind) for s in samples}, stored)
    return page


def check_restart(checks: Checks, store: Store, server: VllmServer, sidecar: str) -> None:
    """Kill the engine in the middle of a stream, and start it again."""
    before = readings(store, "vllm:generation_tokens_total")[-1]
    headers = {"x-request-id": "cut-off"}
    try:
        with httpx.stream("POST", sidecar + CHAT, json=LONG_STREAM, headers=headers) as answer:
            pieces = answer.iter_raw()
            next(pieces)
            server.kill()
            for _ in pieces:
                pass
    except httpx.HTTPError as error:
        print(f"the client saw {type(error).__name__}")
    row = wait_for("the span cut off", lambda: spans_of(store, "proxy", "cut-off"))[0]
    checks.holds("cut off: error type", row["error_type"] is not None)
    checks.same("cut off: output tokens", None, row["output_tokens"])
    refused = httpx.post(sidecar + CHAT, json={**LONG_STREAM, "stream": False})
    checks.same("away: status", 502, refused.status_code)
    wait_for("an engine that is down", lambda: 0 in readings(store, "tachograph.proxy.upstream_up"))
    server.start()
    wait_for(
        "an engine that is up", lambda: readings(store, "tachograph.proxy.upstream_up")[-1] == 1
    )
    with httpx.Client(base_url=sidecar, timeout=_DEADLINE_S) as client:
        again = Call("again", CHAT, {"model": "tiny", "messages": [], "max_tokens": 3})
        checks.same("again: status", 400, ask(client, again).status)
        chat = Call("after", CALLS[0].path, CALLS[0].body)
        checks.same("after: status", 200, ask(client, chat).status)
    after = wait_for(
        "a counter that began anew",
        lambda: [v for v in readings(store, "vllm:generation_tokens_total")[-1:] if 0 < v < before],
    )
    print(f"vllm:generation_tokens_total was {before:g}, is {after[0]:g}")


def main() -> int:
    """Run it all; print what differs, and as the last line the figures."""
    parser = argparse.ArgumentParser(description="vLLM's real server behind the sidecar")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "sdk-peers")
    parser.add_argument("--python", help="an interpreter that has vLLM, instead of the lock file's")
    parser.add_argument("--record", action="store_true", help="keep pages and traces for make test")
    parser.add_argument("--no-restart", action="store_true", help="leave the restart out")
    parser.add_argument("--devices", type=int, default=1, help="tensor-parallel size")
    arguments = parser.parse_args()
    python = arguments.python or python_of("vllm", arguments.cache)
    checks = Checks(arguments.devices)
    with tempfile.TemporaryDirectory(prefix="vllm-") as folder:
        home = Path(folder)
        with (
            running_store(home) as settings,
            running_collector(home) as collector,
            connect(settings) as store,
            recorder(collector) as watch,
        ):
            flags, variables = _parallel(arguments.devices)
            traces_url = f"{watch.url}/v1/traces"
            server = VllmServer(python, home, traces_url, flags=flags, variables=variables)
            try:
                server.start()
                with running_sidecar(server.url, collector, home / "sidecar.log") as sidecar:
                    _drive(checks, store, server, sidecar, watch, arguments)
            finally:
                server.stop()
            if watch.failures or watch.refused:
                checks.failed.append(f"traces: {watch.failures} {watch.refused}")
    for line in checks.failed:
        print(f"MISMATCH {line}")
    figures = {"calls": len(CALLS), "comparisons": checks.count, "mismatches": len(checks.failed)}
    print(json.dumps({"conformance": "vllm", "version": "0.32.0", **figures}))
    return 1 if checks.failed else 0


def _parallel(devices: int) -> tuple[list[str], dict[str, str]]:
    """Flags and variables; a process a device, none of them bound to cores that others need."""
    if devices == 1:
        return [], {}
    flags = ["--tensor-parallel-size", str(devices), "--distributed-executor-backend", "mp"]
    return flags, {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1"}


def _drive(
    checks: Checks,
    store: Store,
    server: VllmServer,
    sidecar: str,
    watch: Recorder,
    arguments: argparse.Namespace,
) -> None:
    state = f"{sidecar}/_tachograph/state"
    wait_for(
        "an engine that is recognised",
        lambda: httpx.get(state).json()["upstreams"][0]["version"] == "0.32.0",
    )
    checks.same("engine", "vllm", httpx.get(state).json()["upstreams"][0]["engine"])
    for call in CALLS:
        check_call(checks, store, server.url, sidecar, call)
        print(f"{call.label}: {len(checks.failed)} mismatches so far", flush=True)
    page = check_metrics(checks, store, server.url)
    if arguments.record:
        keep(server.url, page, watch)
    if not arguments.no_restart:
        check_restart(checks, store, server, sidecar)


if __name__ == "__main__":
    raise SystemExit(main())
