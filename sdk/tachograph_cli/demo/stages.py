"""The stages of the demo, in order; each ends when it was seen, or raises DemoFailed."""

import contextlib
import hashlib
import os
import secrets
import signal
import time
import urllib.error
from collections.abc import Callable
from typing import Final, NoReturn

import tachograph
from tachograph_cli.demo.books import Books
from tachograph_cli.demo.errors import DemoFailed
from tachograph_cli.demo.outcome import Outcome
from tachograph_cli.demo.processes import Processes
from tachograph_cli.demo.prompts import load_items
from tachograph_cli.demo.receiver import AlertReceiver, new_secret
from tachograph_cli.demo.screen import Screen
from tachograph_cli.demo.traffic import Mode, Traffic
from tachograph_cli.demo.waiting import Patience
from tachograph_cli.home import write_private
from tachograph_cli.supervisor.ports import choose_free

TENANTS: Final = ("harbour-books", "atlas-travel")
TOTAL_S: Final = 560.0
_THREADS: Final = 3
_CHECK_S: Final = 1.0
_REPLAY_S: Final = 300.0
_RESTART_S: Final = 60.0
_ALERT_S: Final = 180.0
_SETTLE_S: Final = 180.0

# SmolLM2's answers to these prompts score 0.6 on average (standard deviation 0.34), degraded ones
# below 0.03. On two busy cores 0.3 answers a second are judged, 18 in a window: the mean of a normal
# window lies 4 standard errors above the threshold.
_RULES: Final = """\
[[webhook]]
name = "demo-receiver"
url = "{url}"
secret_file = "webhook-secret"
allow_private = true

[[rule]]
name = "answers keep to their context"
project = "default"
metric = "score:grounding"
comparison = "below"
threshold = 0.25
resolve_threshold = 0.35
window_s = 60
min_samples = 8
severity = "critical"
notify = ["demo-receiver"]
"""


class Demo:
    """One run of the demo. `close` ends everything that it started."""

    def __init__(self, processes: Processes, screen: Screen, outcome: Outcome) -> None:
        self._processes = processes
        self._home = processes.home
        self._screen = screen
        self._outcome = outcome
        self._patience = Patience(TOTAL_S, processes.check)
        self._closing = contextlib.ExitStack()
        self._closing.callback(processes.stop)
        secret = new_secret()
        self._receiver = AlertReceiver(secret)
        self._closing.callback(self._receiver.close)
        write_private(self._home.path / "webhook-secret", secret + "\n")
        write_private(self._home.alerts_file, _RULES.format(url=self._receiver.url))
        self._items = load_items()
        self._books: Books | None = None
        self.dashboard_url = ""
        self.sidecar_url = ""

    def run(self, *, login: bool) -> Books:
        """All stages; afterwards the traffic has ended and the stack still runs."""
        books, traffic = self._start(login=login)
        try:
            self._replay(traffic)
            self._degrade(traffic)
            self._recover(traffic)
            self._settle(traffic, books)
        finally:
            self._outcome.sent = traffic.sent()
        return books

    def keep(self) -> NoReturn:
        """Leaves everything running; only an interrupt or the death of a process ends it."""
        while True:
            self._processes.check()
            time.sleep(_CHECK_S)

    def close(self) -> None:
        self._closing.close()

    def _start(self, *, login: bool) -> tuple[Books, Traffic]:
        with self._screen.stage("start"):
            engine_port, sidecar_port = choose_free(2)
            self._processes.start_engine(engine_port)
            ready = self._processes.start_stack(self._patience, login=login)
            services = ready["services"]
            broken = [name for name, s in services.items() if s["state"] != "ready"]
            if broken:
                raise DemoFailed(f"not ready: {', '.join(broken)}; see {self._home.log_directory}")
            collector_url = str(services["collector"]["url"])
            self.dashboard_url = str(services["dashboard"]["url"])
            self._screen.say(f"the stack is ready after {ready['seconds']} s")
            key = self._processes.create_key("ingest")
            engine_url = f"http://127.0.0.1:{engine_port}"
            self._processes.wait_for(self._patience, "engine", f"{engine_url}/health")
            keys = {tenant: f"demo-{secrets.token_urlsafe(16)}" for tenant in TENANTS}
            tenants_file = self._home.path / "tenants.toml"
            write_private(tenants_file, _tenants(keys))
            self.sidecar_url = f"http://127.0.0.1:{sidecar_port}"
            self._processes.start_sidecar(
                sidecar_port,
                engine_url,
                *("--tenants-file", str(tenants_file), "--endpoint", collector_url),
                api_key=key,
            )
            health = f"{self.sidecar_url}/_tachograph/healthz"
            self._processes.wait_for(self._patience, "sidecar", health)
            tachograph.init(endpoint=collector_url, api_key=key, service_name="demo-application")
            self._closing.callback(tachograph.shutdown)
            traffic = Traffic(f"{self.sidecar_url}/v1", keys, self._items, _THREADS)
            self._closing.callback(traffic.stop)
            self._screen.say(f"sidecar at {self.sidecar_url} records the engine at {engine_url}")
        self._books = Books(self._home, collector_url)
        return self._books, traffic

    def _replay(self, traffic: Traffic) -> None:
        wanted = len(self._items)

        def progress(condition: Callable[[], bool]) -> Callable[[], bool]:
            def step() -> bool:
                done = traffic.answered()
                self._screen.update("replay", f"{done} of {wanted}", done / wanted)
                return condition()

            return step

        with self._screen.stage("replay"):
            traffic.start()
            self._wait_for_traffic(
                progress(lambda: traffic.answered() >= wanted // 3), _REPLAY_S, traffic
            )
            with self._screen.stage("kill"):
                self._kill_collector(traffic)
            self._wait_for_traffic(
                progress(lambda: traffic.answered() >= wanted), _REPLAY_S, traffic
            )
            self._screen.say(f"all {wanted} prompts were answered")

    def _kill_collector(self, traffic: Traffic) -> None:
        pid, restarts, _ = self._processes.collector()
        if pid is None:
            raise DemoFailed("the collector was not running when it should have been killed")
        before = traffic.sent()
        os.kill(pid, signal.SIGKILL)
        self._screen.say(f"killed the collector (pid {pid}, kill -9); requests go on")

        def is_back() -> bool:
            new_pid, new_restarts, state = self._processes.collector()
            return new_restarts > restarts and state == "ready" and new_pid != pid

        self._patience.until(
            is_back, _RESTART_S, lambda: f"the collector was not back after {_RESTART_S:.0f} s"
        )
        self._outcome.collector_killed = True
        self._screen.say(
            f"the supervisor has restarted it; {_THREADS} requests were under way meanwhile, "
            f"{traffic.sent() - before} began"
        )

    def _degrade(self, traffic: Traffic) -> None:
        with self._screen.stage("degrade"):
            if self._receiver.is_firing():
                self._screen.say("an alert fired by chance; waiting until it resolves")
                self._wait_for_traffic(lambda: not self._receiver.is_firing(), _ALERT_S, traffic)
            began_at = time.time()
            traffic.mode = Mode.DEGRADED
            self._screen.say("degraded: temperature 2, passages mixed up between requests")

            def fired() -> bool:
                self._screen.update("degrade", f"{traffic.sent(Mode.DEGRADED)} requests")
                return self._receiver.first("firing", after=began_at) is not None

            self._wait_for_traffic(fired, _ALERT_S, traffic)
            self._outcome.alert_fired = True
            self._say_alert("firing", began_at)

    def _recover(self, traffic: Traffic) -> None:
        with self._screen.stage("recover"):
            began_at = time.time()
            traffic.mode = Mode.NORMAL
            self._screen.say("recovered: back to normal requests")

            def resolved() -> bool:
                self._screen.update("recover", f"{traffic.sent(Mode.NORMAL)} requests")
                return self._receiver.first("resolved", after=began_at) is not None

            self._wait_for_traffic(resolved, _ALERT_S, traffic)
            self._outcome.alert_resolved = True
            self._say_alert("resolved", began_at)

    def _settle(self, traffic: Traffic, books: Books) -> None:
        with self._screen.stage("settle"):
            self._screen.update("settle", "letting the last requests finish")
            traffic.stop()
            tachograph.flush()
            outcome = self._outcome
            outcome.sent = traffic.sent()
            self._screen.say(f"{outcome.sent} requests were sent; {traffic.answered()} answered")

            def settled() -> bool:
                told = 0
                # The store answers slowly at times while it merges; the next look will tell.
                with contextlib.suppress(TimeoutError, urllib.error.URLError):
                    outcome.recorded, outcome.scored = books.recorded(), books.scored()
                    told = sum(segment["requests"] for segment in books.summary())
                self._screen.update(
                    "settle",
                    f"{outcome.recorded} recorded, {outcome.scored} judged of {outcome.sent}",
                    outcome.scored / outcome.sent,
                )
                return outcome.sent == outcome.recorded == outcome.scored == told

            self._patience.until(
                settled,
                _SETTLE_S,
                lambda: (
                    f"sent {outcome.sent}, recorded {outcome.recorded}, judged "
                    f"{outcome.scored}{_errors(traffic)}"
                ),
            )
            self._screen.say("every request is recorded once and judged by every evaluator")

    def _wait_for_traffic(
        self, condition: Callable[[], bool], wait_s: float, traffic: Traffic
    ) -> None:
        self._patience.until(
            condition,
            wait_s,
            lambda: (
                f"not seen within {wait_s:.0f} s; {traffic.sent()} sent, "
                f"{traffic.answered()} answered, alerts received: "
                f"{[a.type for a in self._receiver.alerts()]}, refused: {self._receiver.refused}"
                f"{_errors(traffic)}"
            ),
        )

    def _progress_of_books(self) -> str:
        if self._books is None:
            return "nothing recorded yet"
        try:
            return f"{self._books.recorded()} recorded, {self._books.scored()} judged"
        except OSError as error:
            return f"the store does not say what it has: {error}"

    def _say_alert(self, state: str, after: float) -> None:
        alert = self._receiver.first(state, after)
        if alert is not None:
            summary = alert.data.get("summary") or alert.data.get("rule")
            self._screen.say(f"alert {state}, signature verified: {summary}")


def _tenants(keys: dict[str, str]) -> str:
    return "".join(
        f'[{tenant}]\nkey_sha256 = ["{hashlib.sha256(key.encode()).hexdigest()}"]\n'
        for tenant, key in keys.items()
    )


def _errors(traffic: Traffic) -> str:
    return f"; errors of requests: {'; '.join(traffic.errors)}" if traffic.errors else ""
