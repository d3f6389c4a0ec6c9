"""init, flush, shutdown: the life of the client in this process."""

import os
from collections.abc import Mapping

from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import TracerProvider

from tachograph._internal.client import Client, current_client, install
from tachograph._internal.config import resolve
from tachograph._internal.delivery import process
from tachograph._internal.errors import contained, raise_deferred
from tachograph._internal.interruption import end_open_spans
from tachograph._internal.project_file import project_settings
from tachograph.types import CaptureMode, DeliveryOptions, LimitOptions, Mask, ProviderMode


def init(
    *,
    endpoint: str | None = None,
    api_key: str | None = None,
    service_name: str | None = None,
    capture: CaptureMode | None = None,
    mask: Mask | None = None,
    provider: ProviderMode | TracerProvider | None = None,
    resource_attributes: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    disabled: bool | None = None,
    serverless: bool | None = None,
    deliver_on_sigterm: bool | None = None,
    limits: LimitOptions | None = None,
    delivery: DeliveryOptions | None = None,
) -> None:
    """Start recording. Call it once, early; before it everything else is a cheap no-op.

    What is not given comes from `TACHOGRAPH_*`, then `OTEL_*` variables, then the table
    `[tool.tachograph]` of the nearest pyproject.toml, then the defaults (docs/sdk.md has them). No collector needs to run: data waits in bounded memory, and
    nothing here ever blocks or raises into the application afterwards.

    `capture` decides what is recorded. Its default depends on where the data goes: `full` while
    the collector is on this machine, where trying things out should show everything and nothing
    leaves; `metadata` for any other endpoint, where sending what people wrote must be said.

    Calling it again replaces the settings; what the former client had queued is delivered by it
    in the background. Raises ConfigurationError for an argument that cannot be used.
    """
    _init(
        {
            "endpoint": endpoint,
            "api_key": api_key,
            "service_name": service_name,
            "capture": capture,
            "mask": mask,
            "provider": provider,
            "resource_attributes": resource_attributes,
            "headers": headers,
            "disabled": disabled,
            "serverless": serverless,
            "deliver_on_sigterm": deliver_on_sigterm,
            "limits": limits,
            "delivery": delivery,
        }
    )


def _init(arguments: Mapping[str, object], *, id_generator: IdGenerator | None = None) -> None:
    settings = resolve(arguments, os.environ, project_settings())
    client = None if settings.disabled else Client(settings, id_generator=id_generator)
    if client is not None:
        process.before_the_end(end_open_spans)
    if client is not None and settings.deliver_on_sigterm:
        with contained("setting a handler of SIGTERM"):
            process.deliver_on_sigterm()
    former = install(client)
    if former is not None:
        with contained("retiring the former client"):
            former.delivery.retire()


def flush(timeout_s: float = 5.0) -> bool:
    """Send what was recorded so far; True when the collector has taken all of it.

    Returns within `timeout_s` seconds. Ended spans only: call it outside of `with` blocks.
    """
    with contained("flushing"):
        client = current_client()
        is_sent = client is None or client.delivery.flush(timeout_s)
        raise_deferred()
        return is_sent
    return False


def shutdown(timeout_s: float = 5.0) -> bool:
    """Send what was recorded and stop recording; True when nothing was lost to it.

    Spans that are still open, in any thread, end here as failed, `interrupted`: afterwards nobody
    could say that they were lost. Returns within `timeout_s` seconds. Runs by itself when the
    process ends. `init` starts anew.
    """
    with contained("shutting down"):
        client = install(None)
        if client is not None:
            end_open_spans()
        is_sent = client is None or client.delivery.shutdown(timeout_s)
        raise_deferred()
        return is_sent
    return False
