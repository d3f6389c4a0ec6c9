"""Run the test tiers one after another and print how long each took.

    python tests/tiers.py                 every tier
    python tests/tiers.py static unit     only these

Tiers: system (Debian packages that tests need, installed when root), static, wheel, unit,
architecture, integration, e2e. Exit status 0 only if every tier passed.

Tests run in two processes, the tests of a file in one of them: most of them wait, for a process to
start or for a disk. Each process has stores, homes, ports and models of its own.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PYTEST_TIERS = ("unit", "architecture", "integration", "e2e")
TWO_PROCESSES = ("-n", "2", "--dist", "loadfile") if importlib.util.find_spec("xdist") else ()
TEST_TIMEOUT_S = 600
"""Of one test with its fixtures: a machine may be five times slower than the one it was written on."""
TIERS = ("system", "static", "wheel", *PYTEST_TIERS)

# Program that tests start -> Debian package that brings it.
DEBIAN_PACKAGES = {
    "redis-server": "redis-server",
    "rabbitmq-server": "rabbitmq-server",
    "chromium": "chromium",
    "systemd-analyze": "systemd",
    "docker-compose": "docker-compose",
}


@dataclass
class Outcome:
    """What one tier did: seconds, and pytest's counts where it ran tests."""

    name: str
    seconds: float
    ok: bool
    passed: int = 0
    failed: int = 0
    skipped: int = 0


def install_system_packages() -> bool:
    """Install what tests start from Debian's packages; without root say what is missing."""
    missing = [package for program, package in DEBIAN_PACKAGES.items() if not shutil.which(program)]
    if not missing:
        return True
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"not installed, and not root: tests that need them will skip: {', '.join(missing)}")
        return True
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    return run(["apt-get", "update", "-qq"], environment) and run(install, environment)


def run(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> bool:
    """Run one command in the repository root with its output shown; True when it exits 0."""
    print("$", " ".join(str(part) for part in command), flush=True)
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def static() -> bool:
    """Formatting, lint, types, import contracts: all are run, so that one run names every fault."""
    results = [
        run([BIN / "ruff", "format", "--check", "."]),
        run([BIN / "ruff", "check", "."]),
        run([BIN / "lint-imports"]),
        run([BIN / "mypy", "--strict"]),
    ]
    return all(results)


def pytest_tier(name: str) -> Outcome:
    """Run the tests in tests/NAME and count them from the JUnit report."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        spread = TWO_PROCESSES if name != "architecture" else ()
        command = [BIN / "pytest", "-q", "-rs", *spread, f"--timeout={TEST_TIMEOUT_S}"]
        ok = run([*command, f"--junitxml={report}", f"tests/{name}"])
        outcome = Outcome(name, 0.0, ok)
        if report.exists():
            for suite in ET.parse(report).getroot().iter("testsuite"):
                outcome.failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
                outcome.skipped += int(suite.get("skipped", 0))
                outcome.passed += int(suite.get("tests", 0))
            outcome.passed -= outcome.failed + outcome.skipped
    return outcome


def run_tier(name: str) -> Outcome:
    """Run one tier and time it."""
    print(f"\n=== {name} ===", flush=True)
    started = time.monotonic()
    if name in PYTEST_TIERS:
        outcome = pytest_tier(name)
    elif name == "system":
        outcome = Outcome(name, 0.0, install_system_packages())
    elif name == "static":
        outcome = Outcome(name, 0.0, static())
    else:
        outcome = Outcome(name, 0.0, run([sys.executable, ROOT / "tests/bare_wheel.py"]))
    outcome.seconds = time.monotonic() - started
    return outcome


def main(arguments: Sequence[str]) -> int:
    """Run the named tiers (all by default) and print the table."""
    unknown = [name for name in arguments if name not in TIERS]
    if unknown:
        print(f"no tier {unknown[0]!r}; there are: {', '.join(TIERS)}", file=sys.stderr)
        return 2
    outcomes = [run_tier(name) for name in arguments or TIERS]
    print(f"\n{'tier':<14}{'seconds':>9}{'passed':>9}{'failed':>9}{'skipped':>9}")
    for row in outcomes:
        counts = f"{row.passed:>9}{row.failed:>9}{row.skipped:>9}"
        counts = counts if row.name in PYTEST_TIERS else ("ok" if row.ok else "FAILED").rjust(9)
        print(f"{row.name:<14}{row.seconds:>9.1f}{counts}")
    failed = sum(row.failed for row in outcomes) + sum(
        not row.ok and row.failed == 0 for row in outcomes
    )
    print(f"{sum(row.passed for row in outcomes)} passed, {failed} failed", end="")
    print(f", {sum(row.skipped for row in outcomes)} skipped")
    return 0 if all(row.ok for row in outcomes) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
