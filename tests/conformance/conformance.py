"""The real instrumentation packages against a real collector and store: `make conformance`.

    python tests/conformance/conformance.py [PACKAGE ...] [--cache DIR] [--record]

Every package runs in a virtual environment of its own, made from its lock file, and watches the
real `openai` client talk to local servers. What it exports goes through the collector into the
store, and every typed column of every span is compared with the expected table. `--record` writes
the exported bodies to tests/fixtures/otlp, which `make test` replays. Exit status 1 on a mismatch.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.conformance import matrix
from tests.conformance.expected import (
    COLUMNS,
    FOLDER,
    PACKAGES,
    Expectation,
    Mismatch,
    calls_of,
    compare,
    expectations,
    load,
)
from tests.conformance.recorder import Recorder, recorder, scrubbed
from tests.fixtures.store_process import running_store
from tests.integration.sdk.openai_server import openai_server

from tachograph_store.client import Store, connect

FIXTURES = ROOT / "tests" / "fixtures" / "otlp"
_DEADLINE_S = 120.0


@dataclass(frozen=True)
class Outcome:
    """What one package gave."""

    package: str
    expected: Sequence[Expectation]
    mismatches: Sequence[Mismatch]


def interpreter(package: str, cache: Path) -> Path:
    """The Python of the package's virtual environment, made where the lock file is new."""
    lock = FOLDER / package / "requirements.txt"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = cache / f"{package}-{digest}"
    python = folder / "bin" / "python"
    if not (folder / ".installed").exists():
        print(f"{package}: installing {lock.relative_to(ROOT)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = [
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "-r",
            str(lock),
        ]
        subprocess.run([str(python), "-m", "pip", *install], check=True)
        (folder / ".installed").touch()
    return python


@contextmanager
def running_collector(home: Path) -> Iterator[str]:
    """A collector on the store of `TACHOGRAPH_HOME`; its address."""
    environment = {**os.environ, "TACHOGRAPH_HOME": str(home)}
    with (home / "collector.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tachograph_collector.command", "--port", "0"],
            stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
        )  # fmt: skip
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        words = [word for word in line.split() if word.startswith("http://")]
        if not words:
            raise SystemExit(f"the collector said {line!r}, see {home}/collector.log")
        yield words[0].rstrip(",")
    finally:
        process.terminate()
        process.wait(timeout=30)


def drive(package: str, python: Path, watch: Recorder) -> None:
    """Run the package's driver; all that it sends goes to localhost."""
    with openai_server() as plain, openai_server() as tools, openai_server() as failing:
        tools.tool_call = True
        failing.status = 429
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(python.parent.parent),
            "OTEL_SERVICE_NAME": package,
            "OTEL_RESOURCE_ATTRIBUTES": f"service.instance.id={package}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": watch.url,
            "CONFORMANCE_URL": plain.url,
            "CONFORMANCE_TOOLS_URL": tools.url,
            "CONFORMANCE_FAILING_URL": failing.url,
            "CONFORMANCE_PRICES": str(FOLDER / "prices.json"),
            **load(package)["environment"],
        }
        driver = FOLDER / "drivers" / f"drive_{re.sub('[-.]', '_', package)}.py"
        subprocess.run([python, driver], env=environment, check=True, timeout=_DEADLINE_S)
    if watch.failures:
        raise SystemExit(f"{package}: {watch.failures}")


def settle(collector_url: str) -> None:
    """Return when the collector has stored all that it acknowledged."""
    deadline = time.monotonic() + _DEADLINE_S
    while httpx.get(f"{collector_url}/healthz").json()["journal"]["waiting_records"]:
        if time.monotonic() > deadline:
            raise SystemExit("the collector did not store what it acknowledged")
        time.sleep(0.1)


def stored_spans(store: Store, package: str) -> list[Mapping[str, Any]]:
    """The typed columns of the package's spans, in the order of their starts."""
    names = ", ".join(f"`{column}`" for column in COLUMNS)
    return list(
        store.query(
            f"SELECT {names} FROM spans FINAL WHERE project = 'default' "
            "AND service_name = {package:String} ORDER BY start_time",
            {"package": package},
        )
    )


def stored_metrics(store: Store, package: str) -> list[str]:
    """Names of the package's metrics that are stored."""
    rows = store.query(
        "SELECT DISTINCT replaceRegexpOne(name, '_(sum|count|min|max|bucket)$', '') AS metric "
        "FROM engine_readings FINAL WHERE project = 'default' "
        "AND instance = {package:String} ORDER BY metric",
        {"package": package},
    )
    return [row["metric"] for row in rows]


def check(package: str, python: Path, collector_url: str, store: Store, record: bool) -> Outcome:
    """Run one package and compare what arrived."""
    with recorder(collector_url) as watch:
        drive(package, python, watch)
    settle(collector_url)
    written, expected = load(package), expectations(package)
    mismatches = compare(expected, stored_spans(store, package))
    for name, found in (
        ("metrics", stored_metrics(store, package)),
        ("refused", sorted({f"{signal}: {_reasons(said)}" for signal, said in watch.refused})),
    ):
        if found != written[name]:
            mismatches.append(Mismatch(package, name, written[name], found))
    if record:
        keep(package, watch)
    return Outcome(package, expected, mismatches)


def _reasons(message: str) -> str:
    """The reasons in a partial success, without their numbers."""
    parts = [part.split(" rejected as ")[1].split(":")[0] for part in message.split("; ")]
    return ", ".join(sorted(parts))


def keep(package: str, watch: Recorder) -> None:
    """Write the bodies for `make test`."""
    folder = FIXTURES / package
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.pb"):
        old.unlink()
    for number, (signal, body) in enumerate(watch.bodies):
        (folder / f"{number:02d}-{signal}.pb").write_bytes(scrubbed(signal, body))


def main() -> int:
    """Run the packages, print the matrix, and as the last line the figures."""
    parser = argparse.ArgumentParser(description="the real packages against the collector")
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help="default: all")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "conformance")
    parser.add_argument("--record", action="store_true", help="keep the bodies for make test")
    arguments = parser.parse_args()
    packages = arguments.packages or list(PACKAGES)
    unknown = sorted(set(packages).difference(PACKAGES))
    if unknown:
        parser.error(f"no such package: {', '.join(unknown)}; there are {', '.join(PACKAGES)}")
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        home = Path(folder)
        with (
            running_store(home) as settings,
            running_collector(home) as collector_url,
            connect(settings) as store,
        ):
            for package in packages:
                python = interpreter(package, arguments.cache)
                outcome = check(package, python, collector_url, store, arguments.record)
                outcomes.append(outcome)
                calls = len(calls_of(outcome.expected))
                print(f"{package}: {calls} calls, {len(outcome.mismatches)} mismatches", flush=True)
    print(matrix.render([(outcome.package, outcome.expected) for outcome in outcomes]))
    for outcome in outcomes:
        for mismatch in outcome.mismatches:
            print(f"MISMATCH {outcome.package} {mismatch}")
    mismatches = sum(len(outcome.mismatches) for outcome in outcomes)
    figures = {
        "bench": "conformance",
        "packages": len(outcomes),
        "calls": sum(len(calls_of(outcome.expected)) for outcome in outcomes),
        "columns_compared": sum(len(outcome.expected) for outcome in outcomes) * len(COLUMNS),
        "mismatches": mismatches,
    }
    print(json.dumps(figures))
    return 1 if mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
