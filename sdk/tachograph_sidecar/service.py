"""One sidecar, put together: proxy, recorder, GPU monitor, engine watch, delivery."""

import asyncio
import logging
import platform
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan

from tachograph._internal.delivery import Counts, Delivery, MetricPoint
from tachograph._internal.gpu.nvml import NvmlSource
from tachograph._internal.gpu.source import GpuSource
from tachograph.semconv import attributes
from tachograph_sidecar.attribution import EqualShare
from tachograph_sidecar.calibration.file import read_weights
from tachograph_sidecar.engines import ADAPTERS, UNKNOWN, EngineAdapter
from tachograph_sidecar.engines.deployment import UNSTATED, Deployment
from tachograph_sidecar.engines.step_receiver import StepReceiver
from tachograph_sidecar.engines.steps import StepTimeline
from tachograph_sidecar.engines.watch import EngineWatch
from tachograph_sidecar.gpu.engine_processes import EngineProcesses
from tachograph_sidecar.gpu.monitor import GpuMonitor
from tachograph_sidecar.kv_cache import KvShape, read_shape
from tachograph_sidecar.ledger.feed import LedgerFeed
from tachograph_sidecar.ledger.settlement import GpuLedger
from tachograph_sidecar.ledger.weights import EnergyWeights
from tachograph_sidecar.observe.recorder import Recorder, RecorderOptions
from tachograph_sidecar.observe.span import span_builder
from tachograph_sidecar.proxy.admission import Admission, AdmissionRules
from tachograph_sidecar.proxy.balancer import Balancer
from tachograph_sidecar.proxy.pool import Upstream, UpstreamPool
from tachograph_sidecar.proxy.server import ProxyOptions, ProxyServer
from tachograph_sidecar.routing import Routing, read_routing
from tachograph_sidecar.settings import SettingsError, SidecarSettings
from tachograph_sidecar.tenants import Tenants, read_tenants

_log = logging.getLogger("tachograph.sidecar")

SERVICE_NAME = "tachograph-sidecar"
FLUSH_S = 5.0
"""Longest wait for telemetry to leave when stopped, seconds."""


class Outlet(Protocol):
    """Where spans and metric points go; `Delivery` is one."""

    @property
    def resource(self) -> Resource: ...

    def submit_span(self, span: ReadableSpan) -> bool: ...

    def leave_out_span(self, reason: str) -> None: ...

    def submit_metrics(self, points: Sequence[MetricPoint]) -> bool: ...

    def counts(self) -> Counts: ...

    def shutdown(self, timeout_s: float) -> bool: ...


class Sidecar:
    """A sidecar on the running event loop.

    Args:
        settings: what it was told.
        outlet: where telemetry goes; by default a `Delivery` to the collector.
        gpus: where GPUs are read; by default NVML.

    Raises SettingsError when a file that the settings name cannot be used.
    """

    def __init__(
        self,
        settings: SidecarSettings,
        *,
        outlet: Outlet | None = None,
        gpus: GpuSource | None = None,
    ) -> None:
        self.settings = settings
        self._is_started = False
        self._outlet: Outlet = outlet or _delivery(settings)
        self._rule = EqualShare()
        self.steps = StepTimeline()
        """Where the engine says that prompts were computed; empty without its plugin."""
        path = settings.steps_socket
        self._step_receiver = None if path is None else StepReceiver(path, self.steps)
        self._ledger = GpuLedger(_weights(settings), None if path is None else self.steps)
        options = RecorderOptions(capture=settings.capture)
        routing = _routing(settings)
        self._balancer = Balancer(routing.upstreams or settings.upstreams, settings.max_connections)
        self._watches: dict[Upstream, EngineWatch] = {}
        self._watch_new_engines()
        self._recorder = Recorder(
            options=options,
            tenants=Tenants(_tenant_keys(settings), settings.trust_tenant_header),
            rule=self._rule,
            engine=self._engine_at,
            deployment=self._deployment_at,
            build=span_builder(
                self._outlet.resource,
                options.content_limit_bytes,
                settings.redactor,
                _kv_shape(settings),
            ),
            submit=self._outlet.submit_span,
            leave_out=self._outlet.leave_out_span,
            charge=self._charge,
            ledger=self._ledger if settings.gpu else None,
        )
        self._server = ProxyServer(
            self._balancer,
            self._recorder,
            lambda: settings.ask_usage and self._may_all_be_asked_for_usage,
            self.state,
            ProxyOptions(redactor=settings.redactor),
        )
        self._admit_by(routing.rules)
        self._monitor: GpuMonitor | None = None
        if settings.gpu:
            feed = LedgerFeed(self._ledger, asyncio.get_running_loop(), self._outlet.submit_metrics)
            engines = EngineProcesses(
                lambda: [(pool.upstream.host, pool.upstream.port) for pool in self._balancer.pools]
            )
            self._monitor = GpuMonitor(
                gpus or NvmlSource(),
                feed,
                self._outlet.submit_metrics,
                engine_pids=engines.pids,
            )
        self._started_at = time.monotonic()

    async def start(self) -> list[tuple[str, int]]:
        """Listen; returns the addresses. Raises OSError when the port is taken, SettingsError when
        the socket for steps cannot be had."""
        addresses = await self._server.start(self.settings.host, self.settings.port)
        if self._step_receiver is not None:
            try:
                self._step_receiver.start()
            except OSError as error:
                raise SettingsError(
                    f"the socket for steps cannot be used: {error}",
                    "name another --steps-socket, in a folder that is yours",
                ) from error
        for watch in self._watches.values():
            watch.start()
        self._is_started = True
        if self._monitor is not None:
            self._monitor.start()
        return addresses

    async def stop(self) -> bool:
        """Let streams under way end, then send what was recorded; False when either was cut off."""
        was_drained = await self._server.drain(self.settings.drain_s)
        if self._step_receiver is not None:
            self._step_receiver.stop()
        self._recorder.deferred.drain()
        if self._monitor is not None:
            await asyncio.to_thread(self._monitor.stop)
        self._ledger.flush(time.perf_counter_ns())
        for watch in self._watches.values():
            await asyncio.to_thread(watch.stop)
        was_sent = await asyncio.to_thread(self._outlet.shutdown, FLUSH_S)
        return was_drained and was_sent

    def reload(self) -> None:
        """Read the routing file again; engines that it no longer names are drained.

        Raises SettingsError when it cannot be used; what held before then goes on.
        """
        routing = _routing(self.settings)
        self._balancer.replace(routing.upstreams or self.settings.upstreams)
        self._watch_new_engines()
        self._admit_by(routing.rules)

    @property
    def in_flight(self) -> int:
        """Model requests being answered now."""
        return self._recorder.in_flight

    def state(self) -> Mapping[str, object]:
        """What `/_tachograph/state` shows."""
        counts = self._outlet.counts()
        return {
            "upstreams": [
                {
                    "url": pool.upstream.url,
                    "up": watch.is_up,
                    "engine": watch.engine.name,
                    "version": watch.deployment.version,
                    "problem": watch.problem,
                    "in_flight": pool.load,
                    "draining": pool in self._balancer.draining,
                }
                for pool in (*self._balancer.pools, *self._balancer.draining)
                if (watch := self._watches.get(pool.upstream)) is not None
            ],
            "admission": self._admission_state(),
            "requests": {
                "passed": self._server.requests,
                "in_flight": self._recorder.in_flight,
                "recorded": self._recorder.recorded,
                "record_failures": self._recorder.failures,
                "connections": self._server.client_count,
            },
            "telemetry": {
                "endpoint": self.settings.endpoint,
                "submitted": dict(counts.submitted),
                "delivered": dict(counts.delivered),
                "waiting": dict(counts.waiting),
                "dropped": [
                    {"signal": signal, "reason": reason, "count": count}
                    for (signal, reason), count in counts.dropped.items()
                ],
            },
            "capture": self.settings.capture,
            "gpu": (
                {"available": False, "reason": "switched off"}
                if self._monitor is None
                else self._monitor.state()
            ),
            "steps": None if self._step_receiver is None else self._step_receiver.state(),
            "uptime_s": round(time.monotonic() - self._started_at, 3),
        }

    def _admit_by(self, rules: AdmissionRules | None) -> None:
        gate = self._server.admission
        if gate is not None:
            gate.replace(rules or AdmissionRules())  # those who wait keep their places
        if rules is None:
            self._server.admission = None
        elif gate is None:
            self._server.admission = Admission(rules)

    def _charge(self, tenant: str | None, token_count: int) -> None:
        if self._server.admission is not None:
            self._server.admission.charge(tenant, token_count)

    def _admission_state(self) -> Mapping[str, object] | None:
        gate = self._server.admission
        if gate is None:
            return None
        return {
            "in_flight": gate.in_flight,
            "waiting": gate.waiting,
            "refused": dict(gate.refused),
        }

    def _watch_new_engines(self) -> None:
        """One watch an engine; those of engines that are gone end."""
        pools = {pool.upstream: pool for pool in self._balancer.pools}
        kept = {pool.upstream for pool in (*pools.values(), *self._balancer.draining)}
        for upstream in [upstream for upstream in self._watches if upstream not in kept]:
            self._watches.pop(upstream).end()
        named = ADAPTERS.get(self.settings.engine)
        for upstream, pool in pools.items():
            if upstream not in self._watches:
                watch = _watch(pool, named, self._outlet, is_one_of_several=len(pools) > 1)
                self._watches[upstream] = watch
                if self._is_started:
                    watch.start()

    def _engine_at(self, upstream: Upstream | None) -> EngineAdapter:
        """The engine at `upstream`; before one was chosen, the one that all of them are."""
        if upstream is not None:
            watch = self._watches.get(upstream)
            return UNKNOWN if watch is None else watch.engine
        engines = {watch.engine.name: watch.engine for watch in self._watches.values()}
        return next(iter(engines.values())) if len(engines) == 1 else UNKNOWN

    def _deployment_at(self, upstream: Upstream | None) -> Deployment:
        watch = None if upstream is None else self._watches.get(upstream)
        return UNSTATED if watch is None else watch.deployment

    @property
    def _may_all_be_asked_for_usage(self) -> bool:
        """The request is changed before its engine is chosen."""
        return all(watch.engine.asks_for_usage for watch in self._watches.values())


def _watch(
    pool: UpstreamPool, named: EngineAdapter | None, outlet: Outlet, *, is_one_of_several: bool
) -> EngineWatch:
    upstream = pool.upstream

    def on_state(is_up: bool) -> None:
        pool.is_down = not is_up

    place = {attributes.SERVER_ADDRESS: upstream.host, attributes.SERVER_PORT: str(upstream.port)}
    return EngineWatch(
        upstream,
        named,
        lambda: pool.load,
        outlet.submit_metrics,
        on_state=on_state,
        labels=place if is_one_of_several else {},
    )


def _delivery(settings: SidecarSettings) -> Delivery:
    resource = Resource.create(
        {attributes.SERVICE_NAME: SERVICE_NAME, "host.name": platform.node() or "unknown"}
    )
    return Delivery(endpoint=settings.endpoint, resource=resource, api_key=settings.api_key)


def _weights(settings: SidecarSettings) -> EnergyWeights | None:
    path = settings.calibration
    if path is None:
        return None
    try:
        return read_weights(path)
    except (ValueError, OSError) as error:
        raise SettingsError(
            f"the calibration cannot be used: {error}",
            "make it anew with tachograph calibrate, or start without --calibration",
        ) from error


def _kv_shape(settings: SidecarSettings) -> KvShape | None:
    path = settings.model_config
    if path is None:
        return None
    try:
        return read_shape(path)
    except (ValueError, OSError) as error:
        raise SettingsError(
            f"the model's config cannot be used: {error}",
            "name the model's config.json, or start without --model-config",
        ) from error


def _routing(settings: SidecarSettings) -> Routing:
    path = settings.routing_file
    if path is None:
        return Routing()
    try:
        return read_routing(path)
    except (ValueError, OSError) as error:
        raise SettingsError(
            f"the routing file cannot be used: {error}",
            "correct it, or start without --routing-file",
        ) from error


def _tenant_keys(settings: SidecarSettings) -> dict[str, str]:
    path = settings.tenants_file
    if path is None:
        return {}
    try:
        return read_tenants(path)
    except (ValueError, OSError) as error:
        raise SettingsError(
            f"the tenants file cannot be used: {error}",
            "correct it, or start without --tenants-file",
        ) from error
