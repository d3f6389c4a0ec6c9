"""Checks of what runs: each service's health, memory, the worker's answer, ports, clocks."""

import email.utils
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tachograph_cli.checks.finding import Finding, failed, ok, warning
from tachograph_cli.home import ENVIRONMENT, Home, Run, ServiceRun
from tachograph_cli.memory import resident_bytes
from tachograph_cli.stack import DEFAULT_PORTS, STORE_URL, tachograph
from tachograph_cli.supervisor import State
from tachograph_cli.supervisor.logs import tail
from tachograph_cli.supervisor.ports import is_free

HEALTH: Final = {
    "store": "/ping",
    "collector": "/healthz",
    "dashboard": "/_stcore/health",
}

_TIMEOUT_S: Final = 5.0
_COMMAND_TIMEOUT_S: Final = 60.0
_MIB: Final = 1024**2
_STACK_WARNING_BYTES: Final = 2 * 1024**3
_SKEW_WARNING_S: Final = 5.0
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def check_ports() -> Iterator[Finding]:
    """For a home in which nothing runs: whether `up` would find its ports free."""
    for name, port in DEFAULT_PORTS.items():
        if is_free(port):
            yield ok(f"port {port}", f"free for the {name}")
        else:
            yield warning(
                f"port {port}",
                f"taken, but the {name} would use it",
                "tachograph up --ports auto, or --port-offset 100",
            )


def check_services(home: Home, run: Run) -> Iterator[Finding]:
    """Every process that run.json names."""
    for name, service in run.services.items():
        yield _health(name, service)
        size = None if service.pid is None else resident_bytes(service.pid)
        if size is not None:
            yield ok(f"{name} memory", f"{size / _MIB:.0f} MiB resident")
    yield from _stack_memory(run)
    if "worker" in run.services:
        yield _worker_ping(home)
    yield from _admin_key(home, run)


def _stack_memory(run: Run) -> Iterator[Finding]:
    total = resident_bytes(run.supervisor_pid)
    if total is None:
        return
    detail = f"{total / _MIB:.0f} MiB resident, supervisor and guardian included"
    if total > _STACK_WARNING_BYTES:
        remedy = "an idle stack stays below 2 GiB: look at the largest above"
        yield warning("stack memory", detail, remedy)
    else:
        yield ok("stack memory", detail)


def check_schema(home: Home) -> Finding:
    """Whether migrations wait to be applied, by the store's own command."""
    done = _command(home, "migrate", "--dry-run")
    if done is None:
        return failed("schema", "`tachograph migrate --dry-run` did not end", "see store.log")
    if done.returncode == 0:
        return ok("schema", _last_line(done) or "up to date")
    remedy = "`tachograph migrate` applies what is pending, or says what else is needed"
    return failed("schema", _last_line(done) or "migrations are pending", remedy)


def _health(name: str, service: ServiceRun) -> Finding:
    if service.state != State.READY:
        last = " | ".join(line.strip() for line in tail(Path(service.log), 2))
        return failed(name, f"{service.state}; log: {last or 'empty'}", f"read {service.log}")
    restarted = f", restarted {service.restarts} times" if service.restarts else ""
    if name not in HEALTH or service.url is None:
        return ok(name, f"runs, pid {service.pid}{restarted}")
    url = f"{service.url}{HEALTH[name]}"
    began_s = time.monotonic()
    try:
        with _OPENER.open(url, timeout=_TIMEOUT_S):
            took_ms = (time.monotonic() - began_s) * 1000
    except urllib.error.HTTPError as error:
        body = error.read(2000).decode("utf-8", errors="replace")
        return failed(name, f"{url} answers {error.code}: {body}", f"read {service.log}")
    except OSError as error:
        remedy = f"read {service.log}; `kill {service.pid}` lets the supervisor restart it"
        return failed(name, f"{url} does not answer: {error}", remedy)
    return ok(name, f"{url} in {took_ms:.0f} ms, pid {service.pid}{restarted}")


def _worker_ping(home: Home) -> Finding:
    done = _command(home, "worker", "--ping")
    if done is not None and done.returncode == 0:
        return ok("worker ping", _last_line(done) or "answered")
    return failed(
        "worker ping",
        "no worker answered" if done is None else _last_line(done) or "no worker answered",
        f"read {home.log_file('worker')}; is the broker (TACHOGRAPH_EVALUATORS_BROKER_URL) up?",
    )


def _admin_key(home: Home, run: Run) -> Iterator[Finding]:
    """Whether the admin key opens the collector's REST."""
    collector = run.services.get("collector")
    if collector is None or collector.state != State.READY or collector.url is None:
        return
    try:
        key = home.admin_key_file.read_text(encoding="utf-8").strip()
    except OSError:
        yield warning(
            "admin key",
            f"{home.admin_key_file} cannot be read",
            f"tachograph keys create --project default --role admin > {home.admin_key_file}",
        )
        return
    request = urllib.request.Request(
        f"{collector.url}/api/v1/whoami", headers={"Authorization": f"Bearer {key}"}
    )
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_S) as response:
            who = json.load(response)
    except urllib.error.HTTPError as error:
        yield failed(
            "admin key",
            f"the collector answers {error.code}: the key is not one of this store",
            f"remove {home.admin_key_file} and restart `tachograph up`: it makes a new one",
        )
        return
    except (OSError, ValueError) as error:
        yield failed("admin key", f"the collector does not say whose it is: {error}", "see above")
        return
    yield ok("admin key", f"project {who.get('project')}, role {who.get('role')}")


def check_clock(run: Run) -> Iterator[Finding]:
    """This machine's clock against the store's, which may be a server elsewhere."""
    store = run.services.get("store")
    url = os.environ.get(STORE_URL) if store is None else store.url
    if url is None:
        return
    try:
        with _OPENER.open(f"{url.rstrip('/')}/ping", timeout=_TIMEOUT_S) as response:
            date = response.headers.get("Date")
    except OSError as error:
        yield failed("clock", f"the store does not answer: {error}", "see the store above")
        return
    if date is None:
        return
    skew_s = abs(email.utils.parsedate_to_datetime(date).timestamp() - time.time())
    if skew_s > _SKEW_WARNING_S:
        yield warning(
            "clock",
            f"the store's clock is {skew_s:.0f} s away from this machine's",
            "run NTP on both: spans from the future are rejected, late ones may expire",
        )
    else:
        yield ok("clock", f"agrees with the store's within {max(1.0, skew_s):.0f} s")


def _command(home: Home, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    environment: Mapping[str, str] = {**os.environ, ENVIRONMENT: str(home.path)}
    try:
        return subprocess.run(
            tachograph(*arguments),
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stdout.strip() or done.stderr.strip()).splitlines()
    return lines[-1] if lines else ""
