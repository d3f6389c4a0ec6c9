"""`transformers serve` on this machine's GPU behind the real sidecar: everything, end to end.

    python tests/benchmarks/transformers_serve/main.py
    python tests/benchmarks/transformers_serve/main.py --device cpu --width 128 --layers 2

A small Llama of random weights is made, served with continuous batching, asked directly and through the
sidecar (greedily, so that bodies can be compared byte by byte), then loaded by many clients at once, of
which one hangs up. Prints a table of checks; the last line is one JSON object. Exit status 1 when a
check failed. Needs transformers[serving] and, for the joules, an NVIDIA GPU.
"""

import argparse
import json
import random
import string
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from rich.console import Console
from rich.table import Table
from tests.benchmarks.transformers_serve.asking import (
    Answer,
    Question,
    ask,
    ask_together,
    chat,
    hang_up,
)
from tests.benchmarks.transformers_serve.counter import CounterReader
from tests.benchmarks.transformers_serve.findings import (
    Check,
    Energy,
    energy_checks,
    owner_check,
    span_checks,
)
from tests.benchmarks.transformers_serve.model import save_model
from tests.benchmarks.transformers_serve.processes import (
    Running,
    family,
    get_json,
    running_engine,
    running_sidecar,
    stop,
)
from tests.benchmarks.transformers_serve.sink import Sink, Span, running_sink

from tachograph.semconv import attributes, metrics

_LEFT_ID = "left-0"
_WAIT_S = 45.0
_WIDTH = 150
_COMPARED_TOKENS = 32
_TRIES = 4
_SETTLED_NS = 3_000_000_000


def main() -> int:
    """Run it all; 0 when every check held."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--dtype", default="float32", help="near ties decide nothing in float32")
    parser.add_argument("--width", type=int, default=1536)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=192, help="longest answer of the load")
    parser.add_argument("--logs", type=Path, help="folder for the logs of engine and sidecar")
    args = parser.parse_args()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as scratch:
        logs = args.logs or Path(scratch)
        logs.mkdir(parents=True, exist_ok=True)
        model = Path(scratch) / "llama-random"
        console.print("making the model")
        save_model(model, width=args.width, layers=args.layers)
        checks, figures = _run(args, model, logs, console)
    table = Table("", "check", "found")
    for check in checks:
        table.add_row("ok" if check.has_held else "FAILED", check.name, check.detail)
    Console(width=_WIDTH).print(table)
    failed = [check.name for check in checks if not check.has_held]
    print(json.dumps({"bench": "transformers_serve", **figures, "failed": failed}))
    return 1 if failed else 0


def _run(
    args: argparse.Namespace, model: Path, logs: Path, console: Console
) -> tuple[list[Check], dict[str, Any]]:
    has_gpu = args.device == "gpu"
    options = ["--dtype", args.dtype, *([] if has_gpu else ["--device", "cpu"])]
    options += ["--cb-max-memory-percent", "0.3"] if has_gpu else []
    console.print("starting transformers serve")
    with (
        running_sink() as sink,
        running_engine(model, logs / "engine.log", options, 150.0) as engine,
        CounterReader(is_on=has_gpu) as counter,
    ):
        warm = ask(engine.port, chat(str(model), "a b", 4, "warm-0", is_stream=False))
        if warm.status != 200:
            raise SystemExit(f"the engine does not answer: {warm.status} {warm.body[:500]!r}")
        metrics_status = get_json(engine.port, "/metrics")[0]
        with running_sidecar(engine, sink.url, model, logs / "sidecar.log", gpu=has_gpu) as sidecar:
            state = _settled_state(sidecar, has_gpu)
            if has_gpu:
                _wait_until(lambda: bool(sink.named(metrics.PROXY_ENERGY_DRAWN)))
            console.print("asking directly and through the sidecar")
            checks = _byte_checks(engine, sidecar, str(model))
            console.print(f"{args.clients} clients at once, one of which hangs up")
            started = time.monotonic()
            checks += _load_checks(sidecar, str(model), args.clients, args.tokens)
            load_s = time.monotonic() - started
            asked = {
                *(q.request_id for q in _compared(str(model))),
                *(f"load-{n}" for n in range(args.clients)),
                _LEFT_ID,
            }
            console.print("waiting for spans and accounts")
            _wait_until(lambda: asked <= _by_id(sink).keys())
            spans = {key: span for key, span in _by_id(sink).items() if key in asked}
            if has_gpu:
                _wait_for_accounts(sink, after_ns=time.time_ns())
            checks.append(Check("sidecar ends on SIGTERM", stop(sidecar) == 0, "exit status 0"))
        checks.append(
            Check(
                "every request has one span",
                spans.keys() == asked and len(sink.spans) == len(asked),
                f"{len(sink.spans)} spans of {len(asked)} requests",
            )
        )
        checks.append(_engine_check(state))
        checks += span_checks(spans, str(model), _LEFT_ID)
        figures: dict[str, Any] = {
            "requests": len(asked),
            "load_s": round(load_s, 3),
            "engine_metrics_status": metrics_status,
            "output_tokens": sum(
                _number(span, attributes.USAGE_OUTPUT_TOKENS) for span in spans.values()
            ),
        }
        if has_gpu:
            energy = _energy(sink, counter)
            checks += energy_checks(spans, energy)
            checks.append(owner_check(sink, family(engine), counter.pids()))
            figures |= {
                "gpu": state["gpu"]["devices"][0]["model"],
                "drawn_j": round(energy.drawn_j, 1),
                "accounts_j": {key: round(joules, 1) for key, joules in energy.booked_j.items()},
                "spans_j": round(energy.spans_j, 1),
                "counter_j": energy.counter_j and round(energy.counter_j, 1),
                "conservation_error": energy.conservation_error,
                "spans_error": energy.spans_error,
                "unattributed_share": energy.unattributed_share,
            }
    return checks, figures


def _byte_checks(engine: Running, sidecar: Running, model: str) -> list[Check]:
    """One request at a time, so that the engine computes the same each time.

    Those through the sidecar come first: what the GPU draws before them is its idle power.
    """
    questions = _compared(model)
    proxied = [ask(sidecar.port, question) for question in questions]
    checks: list[Check] = []
    for question, through in zip(questions, proxied, strict=True):
        tries = 1
        while not (is_same := _shown(ask(engine.port, question)) == _shown(through)):
            if tries == _TRIES:
                break
            tries += 1  # the engine puts one token or two into an event, as it happens
        name = f"same bytes: {question.path}{', stream' if question.is_stream else ''}"
        detail = f"status {through.status}, {len(through.body)} bytes, as in direct answer {tries}"
        checks.append(Check(name, is_same and through.status == 200, detail))
    return checks


def _shown(answer: Answer) -> tuple[int, str, bytes]:
    return answer.status, answer.content_type, answer.without_clock


def _compared(model: str) -> list[Question]:
    words = " ".join("the quick brown fox jumps over a lazy dog".replace(" ", ""))
    made = [
        chat(model, words, _COMPARED_TOKENS, "compared-0", is_stream=False),
        chat(model, words, _COMPARED_TOKENS, "compared-1", is_stream=True),
    ]
    for number, is_stream in ((2, False), (3, True)):
        body = {
            "model": model,
            "prompt": words,
            "max_tokens": _COMPARED_TOKENS,
            "stream": is_stream,
        }
        made.append(Question("/v1/completions", body, f"compared-{number}"))
    for number, is_stream in ((4, False), (5, True)):
        body = {
            "model": model,
            "input": words,
            "max_output_tokens": _COMPARED_TOKENS,
            "stream": is_stream,
        }
        made.append(Question("/v1/responses", body, f"compared-{number}"))
    return made


def _load_checks(sidecar: Running, model: str, clients: int, tokens: int) -> list[Check]:
    """Many at once, streams and not, of mixed lengths; one more that hangs up in the middle."""
    draw = random.Random(5)
    asked = []
    for number in range(clients):
        words = " ".join(draw.choices(string.ascii_lowercase, k=draw.randint(16, 400)))
        length = draw.randint(tokens // 4, tokens)
        asked.append(chat(model, words, length, f"load-{number}", is_stream=number % 2 == 0))
    left = chat(model, "a b c", 2_000, _LEFT_ID, is_stream=True)
    begun: list[bytes] = []
    leaving = threading.Thread(target=lambda: begun.append(hang_up(sidecar.port, left, 1_500)))
    leaving.start()
    answers = ask_together(sidecar.port, asked)
    leaving.join()
    good = [one for one in answers if isinstance(one, Answer) and one.status == 200]
    bad = [one for one in answers if not (isinstance(one, Answer) and one.status == 200)]
    ended = _wait_until(
        lambda: get_json(sidecar.port, "/_tachograph/state")[1]["requests"]["in_flight"] == 0
    )
    return [
        Check(
            "all at once answered",
            len(good) == clients,
            f"{len(good)} of {clients} {bad[:1] or ''}",
        ),
        Check(
            "a client hung up in its stream",
            bool(begun and begun[0]),
            f"after {len(begun[0]) if begun else 0} bytes",
        ),
        Check("nothing left in flight", ended, "by /_tachograph/state"),
    ]


def _settled_state(sidecar: Running, has_gpu: bool) -> dict[str, Any]:
    """Once the engine was found well and the GPU, if any, was read."""
    state: dict[str, Any] = {}

    def is_settled() -> bool:
        state.update(get_json(sidecar.port, "/_tachograph/state")[1])
        is_up: bool = state["upstreams"][0]["up"]
        return is_up and state["gpu"]["available"] is has_gpu

    if not _wait_until(is_settled):
        raise SystemExit(f"the sidecar found no engine or no GPU: {json.dumps(state)}")
    return state


def _engine_check(state: dict[str, Any]) -> Check:
    upstream = state["upstreams"][0]
    return Check("engine", upstream["engine"] == "transformers", str(upstream))


def _by_id(sink: Sink) -> dict[str, Span]:
    return {str(span.attributes.get(attributes.REQUEST_ID)): span for span in list(sink.spans)}


def _number(span: Span, attribute: str) -> float:
    value = span.attributes.get(attribute)
    return value if isinstance(value, int | float) else 0


def _wait_for_accounts(sink: Sink, after_ns: int) -> None:
    """Until the sidecar told its accounts a while after the last answer was settled."""

    def is_told() -> bool:
        told = sink.named(metrics.PROXY_ENERGY_DRAWN)
        return bool(told) and told[-1].time_unix_ns > after_ns + _SETTLED_NS

    if not _wait_until(is_told):
        raise SystemExit("the sidecar told no accounts of the GPU's energy")


def _energy(sink: Sink, counter: CounterReader) -> Energy:
    drawn = sink.named(metrics.PROXY_ENERGY_DRAWN)
    first, last = drawn[0], drawn[-1]
    booked = {
        str(point.attributes.get("account")): point.value
        for point in sink.named(metrics.PROXY_ENERGY_BOOKED)
    }
    return Energy(
        drawn_j=last.value,
        booked_j=booked,
        spans_j=sum(_number(span, attributes.ENERGY) for span in list(sink.spans)),
        told_j=last.value - first.value,
        counter_j=counter.joules_between(first.time_unix_ns, last.time_unix_ns),
    )


def _wait_until(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _WAIT_S
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


if __name__ == "__main__":
    sys.exit(main())
