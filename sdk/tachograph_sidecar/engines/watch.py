"""Watches the engine from a thread of its own: which it is, whether it is up, what it publishes."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from tachograph._internal.delivery import MetricPoint
from tachograph.semconv.metrics import ENGINE_PREFIXES, PROXY_REQUESTS_IN_FLIGHT, PROXY_UPSTREAM_UP
from tachograph_sidecar.engines import UNKNOWN, EngineAdapter
from tachograph_sidecar.engines.deployment import UNSTATED, Deployment
from tachograph_sidecar.engines.detect import detect
from tachograph_sidecar.engines.pages import Page, PageTooLarge, get, get_object
from tachograph_sidecar.engines.prometheus import parse_page
from tachograph_sidecar.proxy.pool import Upstream

_log = logging.getLogger("tachograph.sidecar")

MAX_SAMPLES = 10_000
"""Samples taken of one page."""

DEPLOYMENT_INTERVAL_S = 60.0
"""An engine may take adapters on and off while it runs: how long what it said is believed."""

LINES_A_SLICE = 50
"""Lines parsed before the interpreter is offered to the event loop, which forwards streams."""


class EngineWatch:
    """Detects the engine, scrapes its metrics page, and publishes both with the proxy's own state.

    Args:
        upstream: where the engine listens.
        engine: the engine named by the user; None to detect it.
        in_flight: requests of this engine being answered now.
        on_points: given the metric points of each scrape, from this thread.
        interval_s: between two scrapes.
        on_state: told after each look, from this thread, whether the engine answers.
        labels: put on every point, to tell the engines of one sidecar apart.
    """

    def __init__(
        self,
        upstream: Upstream,
        engine: EngineAdapter | None,
        in_flight: Callable[[], int],
        on_points: Callable[[Sequence[MetricPoint]], object],
        interval_s: float = 5.0,
        *,
        on_state: Callable[[bool], object] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        self._upstream = upstream
        self._on_state = on_state
        self._labels = dict(labels or {})
        self._named = engine
        self._in_flight = in_flight
        self._on_points = on_points
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_detected = engine is not None
        self._deployment_until: float | None = None
        self.deployment: Deployment = UNSTATED
        self.engine: EngineAdapter = engine or UNKNOWN
        self.is_up: bool | None = None
        self.problem: str | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="tachograph-engine", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop soon, without waiting for it."""
        self._stop.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        self.end()
        if self._thread is not None:
            self._thread.join(timeout_s)

    def look(self) -> None:
        """Once: detect the engine if that is still open, then scrape it."""
        if not self._is_detected:
            found = detect(self._upstream)
            if found is not None:
                self.engine = found
                self._is_detected = True
                self._deployment_until = None
                _log.info("tachograph sidecar: the engine is %s", found.name)
        page = self._metrics_page()
        now_ns = time.time_ns()
        points = [] if page is None else self._samples(page.text, now_ns)
        if self.is_up:
            self._ask_deployment()
        else:
            self._deployment_until = None  # it may come up again with other settings
            self._is_detected = self._named is not None  # or be another engine
        if self._on_state is not None:
            self._on_state(bool(self.is_up))
        points.append(self._gauge(PROXY_UPSTREAM_UP, "1", 1 if self.is_up else 0, now_ns))
        points.append(self._gauge(PROXY_REQUESTS_IN_FLIGHT, "{request}", self._in_flight(), now_ns))
        self._on_points(points)

    # ---

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except Exception:  # noqa: BLE001 - what an engine publishes must not end the watch
                _log.exception("tachograph sidecar: the engine's metrics could not be read")
            self._stop.wait(self._interval_s)

    def _ask_deployment(self) -> None:
        read = self.engine.read_deployment
        now = time.monotonic()
        if self._deployment_until is not None and now < self._deployment_until:
            return
        self._deployment_until = now + DEPLOYMENT_INTERVAL_S
        self.deployment = (
            UNSTATED if read is None else read(lambda path: get_object(self._upstream, path))
        )

    def _metrics_page(self) -> Page | None:
        path, health_path = self.engine.metrics_path, self.engine.health_path
        try:
            page = get(self._upstream, path or health_path or "/v1/models")
        except PageTooLarge as error:
            self.is_up = True
            self.problem = str(error)
            return None
        self.is_up = page is not None
        self.problem = None
        if page is None:
            self.problem = f"the engine at {self._upstream.url} does not answer"
            return None
        if path is None:
            if health_path is not None and page.status != 200:
                self.is_up = False
                self.problem = f"{health_path} answers {page.status}: the engine is not well"
            return None
        if page.status != 200:
            self.problem = f"{path} answers {page.status}: the engine publishes no metrics"
            return None
        return page

    def _samples(self, text: str, now_ns: int) -> list[MetricPoint]:
        points: list[MetricPoint] = []
        prefixes = self.engine.metric_prefixes or ENGINE_PREFIXES
        for number, sample in enumerate(parse_page(text, prefixes)):
            if number % LINES_A_SLICE == 0:
                time.sleep(0)
            if sample is None:
                continue
            points.append(
                MetricPoint(
                    name=sample.name,
                    unit="",
                    kind=sample.kind,
                    value=sample.value,
                    time_unix_nano=now_ns,
                    attributes={**sample.labels, **self._labels},
                )
            )
            if len(points) >= MAX_SAMPLES:
                self.problem = (
                    f"the metrics page has more than {MAX_SAMPLES} samples: rest left out"
                )
                break
        return points

    def _gauge(self, name: str, unit: str, value: float, now_ns: int) -> MetricPoint:
        return MetricPoint(
            name=name,
            unit=unit,
            kind="gauge",
            value=value,
            time_unix_nano=now_ns,
            attributes=dict(self._labels),
        )
