"""The one live client: settings, delivery and tracing of this process."""

import os
import threading
import weakref

from opentelemetry import trace
from opentelemetry.sdk.trace.id_generator import IdGenerator

from tachograph._internal.config import Settings
from tachograph._internal.delivery import Counts, Delivery
from tachograph._internal.tracing import Tracing, make_resource, make_tracing

_lock = threading.RLock()
_client: "Client | None" = None


class Client:
    """Everything that `init` sets up."""

    def __init__(self, settings: Settings, *, id_generator: IdGenerator | None = None) -> None:
        self.settings = settings
        self.delivery = Delivery(
            endpoint=settings.endpoint,
            resource=make_resource(settings.service_name, dict(settings.resource_attributes)),
            api_key=settings.api_key,
            headers=settings.headers,
            options=settings.delivery,
        )
        self._id_generator = id_generator
        self.tracing: Tracing = make_tracing(
            settings.provider, self.delivery, id_generator=id_generator
        )
        _live.add(self)

    def reset_after_fork(self) -> None:
        """In a forked child, spans carry the child's own `service.instance.id`."""
        if self.settings.provider == "isolated":
            self.tracing = make_tracing("isolated", self.delivery, id_generator=self._id_generator)


_live: "weakref.WeakSet[Client]" = weakref.WeakSet()


def install(client: "Client | None") -> "Client | None":
    """Make `client` the one in use; returns the one before."""
    global _client
    with _lock:
        before, _client = _client, client
    return before


def current_client() -> "Client | None":
    """The client in use; None before `init`, after `shutdown` and when disabled."""
    return _client


def current_span() -> trace.Span | None:
    """Our current span, if any."""
    client = _client
    return None if client is None else client.tracing.current()


def counts() -> Counts | None:
    """The books of the client in use."""
    client = _client
    return None if client is None else client.delivery.counts()


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    for client in list(_live):
        client.reset_after_fork()


# Registered after Delivery's own hook (imported above), and so runs after it in the child.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
