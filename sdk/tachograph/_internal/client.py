"""The one live client: settings, delivery and tracing of this process."""

import os
import threading

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.id_generator import IdGenerator

from tachograph._internal.building import Builder
from tachograph._internal.config import Settings
from tachograph._internal.delivery import Counts, Delivery
from tachograph._internal.sampling import sampler_from
from tachograph._internal.serverless import ExportingTracing
from tachograph._internal.shared_tracing import shared_tracing
from tachograph._internal.tracing import IsolatedTracing, Tracing
from tachograph.types import CaptureMode, Ids

_lock = threading.RLock()
_client: "Client | None" = None


class Client:
    """Everything that `init` sets up."""

    def __init__(self, settings: Settings, *, id_generator: IdGenerator | None = None) -> None:
        self.settings = settings
        self.capture: CaptureMode = settings.capture
        self.delivery = Delivery(
            endpoint=settings.endpoint,
            resource=Resource.create(
                {**settings.resource_attributes, "service.name": settings.service_name}
            ),
            api_key=settings.api_key,
            headers=settings.headers,
            options=settings.delivery,
        )
        self.builder = Builder(settings.mask, settings.limits)
        self.tracing: Tracing
        if settings.provider == "isolated":
            self.tracing = IsolatedTracing(
                self.delivery,
                self.builder,
                sampler=sampler_from(os.environ),
                id_generator=id_generator,
            )
        else:
            self.tracing = shared_tracing(
                settings.provider, self.delivery, self.builder, id_generator=id_generator
            )
        if settings.serverless:
            self.tracing = ExportingTracing(self.tracing, self.delivery)


def install(client: "Client | None") -> "Client | None":
    """Make `client` the one in use; returns the one before."""
    global _client
    with _lock:
        before, _client = _client, client
    return before


def current_client() -> "Client | None":
    """The client in use; None before `init`, after `shutdown` and when disabled."""
    return _client


def current_ids() -> Ids | None:
    """Trace and span id of what is being recorded around the caller; None: nothing is."""
    client = _client
    return None if client is None else client.tracing.current_ids()


def counts() -> Counts | None:
    """The books of the client in use."""
    client = _client
    return None if client is None else client.delivery.counts()


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
