"""Every setting of the SDK in one table:
argument > TACHOGRAPH_* > OTEL_* > [tool.tachograph] of pyproject.toml > default.

The documentation is generated from the table. A wrong argument raises ConfigurationError; a wrong
environment variable or file is logged and passed over, because an operator's typo must not stop a
service. Only `capture` then falls to `off`, the value that cannot give away anything.
"""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from opentelemetry.trace import TracerProvider

from tachograph._internal import parse
from tachograph._internal.delivery.options import DeliveryOptions
from tachograph.exceptions import ConfigurationError
from tachograph.types import CaptureMode, LimitOptions, Mask, ProviderMode

_log = logging.getLogger("tachograph")

DEFAULT_ENDPOINT: Final = "http://127.0.0.1:4318"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting: where it is taken from and what it means."""

    name: str
    """Argument of `init`; `delivery.x` and `limits.x` are fields of those option objects."""
    environment: tuple[str, ...]
    """Variables in order of precedence."""
    parse: Callable[[Any], Any]
    default: Any
    meaning: str
    default_text: str = ""
    """What the documentation says the default is, where `default` does not say it."""
    on_bad_value: Any = None
    """Taken instead of the default when a variable or the file holds nonsense."""
    is_in_file: bool = True
    """May it stand in pyproject.toml?"""


def _delivery(name: str) -> Any:
    return next(f.default for f in fields(DeliveryOptions) if f.name == name)


def _limit(name: str) -> Any:
    return next(f.default for f in fields(LimitOptions) if f.name == name)


PARAMETERS: Final = (
    Parameter(
        "endpoint",
        ("TACHOGRAPH_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        parse.endpoint,
        DEFAULT_ENDPOINT,
        "Base address of the collector; `/v1/traces`, `/v1/metrics` and `/v1/logs` are appended.",
    ),
    Parameter(
        "api_key",
        ("TACHOGRAPH_API_KEY",),
        parse.header_value,
        None,
        "Key of the project, sent as `Authorization: Bearer`. Without one a collector on the same "
        "machine files everything under project `default`.",
        is_in_file=False,  # that file is committed
    ),
    Parameter(
        "service_name",
        ("TACHOGRAPH_SERVICE_NAME", "OTEL_SERVICE_NAME"),
        parse.text,
        "unknown_service",
        "`service.name` of all data.",
    ),
    Parameter(
        "capture",
        ("TACHOGRAPH_CAPTURE", "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"),
        parse.capture,
        None,
        "What is recorded: `off`, `metadata` or `full` (see below). Of the OTEL variable, `true`, "
        "`span_only` and `span_and_event` mean `full`, anything else `metadata`.",
        default_text="`full` when the endpoint is this machine, else `metadata`",
        on_bad_value="off",
    ),
    Parameter(
        "mask",
        (),
        parse.mask,
        None,
        "Function from text to text that every captured text goes through before it leaves the "
        "process, on the delivery thread, e.g. `tachograph_detectors.mask`. If it fails, the text is "
        "withheld.",
        is_in_file=False,
    ),
    Parameter(
        "provider",
        ("TACHOGRAPH_PROVIDER",),
        parse.provider,
        "isolated",
        "`isolated`, `global`, or an `opentelemetry.sdk.trace.TracerProvider` to attach to.",
    ),
    Parameter(
        "resource_attributes",
        ("TACHOGRAPH_RESOURCE_ATTRIBUTES", "OTEL_RESOURCE_ATTRIBUTES"),
        parse.pairs,
        {},
        "Attributes of all data, e.g. `deployment.environment.name=staging`.",
    ),
    Parameter(
        "headers",
        ("TACHOGRAPH_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"),
        parse.headers,
        {},
        "Further request headers, `name=value,name=value`.",
    ),
    Parameter(
        "disabled",
        ("TACHOGRAPH_DISABLED", "OTEL_SDK_DISABLED"),
        parse.boolean,
        False,
        "Record and send nothing; all calls become no-ops.",
    ),
    Parameter(
        "serverless",
        ("TACHOGRAPH_SERVERLESS",),
        parse.boolean,
        False,
        "Export before the outermost span returns, within 2 seconds: for functions whose process "
        "is frozen between calls.",
    ),
    Parameter(
        "deliver_on_sigterm",
        ("TACHOGRAPH_DELIVER_ON_SIGTERM",),
        parse.boolean,
        True,
        "Deliver what is queued when SIGTERM comes, where nobody else handles it; then end by it.",
    ),
    Parameter(
        "limits.max_attribute_bytes",
        ("TACHOGRAPH_MAX_ATTRIBUTE_BYTES",),
        parse.positive_integer,
        _limit("max_attribute_bytes"),
        "Longest text of one attribute, UTF-8 bytes; longer ones are cut and marked.",
    ),
    Parameter(
        "limits.max_attributes",
        ("TACHOGRAPH_MAX_ATTRIBUTES", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"),
        parse.positive_integer,
        _limit("max_attributes"),
        "Own attributes of one span. Model, tokens and timings do not count.",
    ),
    Parameter(
        "delivery.max_records",
        ("TACHOGRAPH_MAX_RECORDS", "OTEL_BSP_MAX_QUEUE_SIZE"),
        parse.positive_integer,
        _delivery("max_records"),
        "Records of each signal that may wait; more are dropped and counted.",
    ),
    Parameter(
        "delivery.max_bytes",
        ("TACHOGRAPH_MAX_BYTES",),
        parse.positive_integer,
        _delivery("max_bytes"),
        "Estimated bytes of each signal that may wait.",
    ),
    Parameter(
        "delivery.batch_records",
        ("TACHOGRAPH_BATCH_RECORDS", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"),
        parse.positive_integer,
        _delivery("batch_records"),
        "Records of one request.",
    ),
    Parameter(
        "delivery.delay_s",
        ("TACHOGRAPH_DELAY_S",),
        parse.positive_number,
        _delivery("delay_s"),
        "Longest wait before a batch leaves, seconds; the first batch leaves after 0.05.",
    ),
    Parameter(
        "delivery.request_timeout_s",
        ("TACHOGRAPH_REQUEST_TIMEOUT_S", "OTEL_EXPORTER_OTLP_TIMEOUT"),
        parse.positive_number,
        _delivery("request_timeout_s"),
        "Time limit of each socket operation of an export, seconds.",
    ),
    Parameter(
        "delivery.is_compressed",
        ("TACHOGRAPH_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"),
        parse.compression,
        _delivery("is_compressed"),
        "`gzip` or `none`.",
        default_text="`gzip`",
    ),
    Parameter(
        "delivery.ca_file",
        ("TACHOGRAPH_CA_FILE", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
        parse.text,
        _delivery("ca_file"),
        "PEM file of the authorities that an https endpoint is checked against.",
        default_text="the system's",
    ),
    Parameter(
        "delivery.spool_folder",
        ("TACHOGRAPH_SPOOL_FOLDER",),
        parse.text,
        _delivery("spool_folder"),
        "Folder, readable by its owner only, where batches wait for a collector that is away when "
        "memory fills up or the process ends. Content is on that disk then.",
        default_text="off",
    ),
    Parameter(
        "delivery.spool_max_bytes",
        ("TACHOGRAPH_SPOOL_MAX_BYTES",),
        parse.positive_integer,
        _delivery("spool_max_bytes"),
        "Bytes of all files of that folder.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings, resolved."""

    endpoint: str
    api_key: str | None = field(repr=False)
    service_name: str
    capture: CaptureMode
    mask: Mask | None
    provider: ProviderMode | TracerProvider
    resource_attributes: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    disabled: bool
    serverless: bool
    deliver_on_sigterm: bool
    limits: LimitOptions
    delivery: DeliveryOptions


def resolve(
    arguments: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    file: Mapping[str, Any] | None = None,
) -> Settings:
    """Settings from the arguments of `init` (None: not given), the environment and the table
    `[tool.tachograph]` of a pyproject.toml."""
    in_file = _flat(file or {})
    values: dict[str, Any] = {}
    options: dict[str, dict[str, Any]] = {"delivery": {}, "limits": {}}
    for parameter in PARAMETERS:
        group, _, name = parameter.name.rpartition(".")
        if not group:
            values[name] = _value(parameter, arguments.get(name), environment, in_file)
        elif arguments.get(group) is None:
            options[group][name] = _value(parameter, None, environment, in_file)
    values["delivery"] = arguments.get("delivery") or replace(
        DeliveryOptions(), **options["delivery"]
    )
    values["limits"] = arguments.get("limits") or LimitOptions(**options["limits"])
    if values["capture"] is None:
        values["capture"] = "full" if parse.is_loopback(values["endpoint"]) else "metadata"
    settings = Settings(**values)
    is_readable = settings.endpoint.startswith("http:") and not parse.is_loopback(settings.endpoint)
    if settings.api_key and is_readable:
        _log.warning(
            "tachograph: the API key travels unencrypted to %s; use https", settings.endpoint
        )
    return settings


def _value(
    parameter: Parameter,
    argument: Any,
    environment: Mapping[str, str],
    in_file: Mapping[str, Any],
) -> Any:
    if argument is not None:
        try:
            return parameter.parse(argument)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(parameter.name, str(error)) from None
    given = [(name, environment.get(name, "").strip()) for name in parameter.environment]
    given = [(name, raw) for name, raw in given if raw]
    if parameter.name in in_file:
        given.append((f"[tool.tachograph] {parameter.name}", in_file[parameter.name]))
    for source, raw in given:
        try:
            return parameter.parse(
                parse.otel_capture(raw) if source.endswith("MESSAGE_CONTENT") else raw
            )
        except (TypeError, ValueError) as error:
            _log.error("tachograph: %s is passed over: %s", source, error)
            if parameter.on_bad_value is not None:
                return parameter.on_bad_value
    return parameter.default


def _flat(file: Mapping[str, Any]) -> dict[str, Any]:
    """The file's settings by parameter name; what has no place there is logged and left out."""
    known = {parameter.name for parameter in PARAMETERS if parameter.is_in_file}
    found: dict[str, Any] = {}
    for name, value in file.items():
        if name in ("delivery", "limits") and isinstance(value, Mapping):
            found |= {f"{name}.{inner}": item for inner, item in value.items()}
        else:
            found[name] = value
    for name in sorted(found.keys() - known):
        _log.error(
            "tachograph: [tool.tachograph] %s is passed over: not a setting that the file takes",
            name,
        )
        del found[name]
    return found
