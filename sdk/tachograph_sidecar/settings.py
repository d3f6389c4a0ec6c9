"""Settings of the sidecar: command line first, then environment, then default."""

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tachograph._internal import parse
from tachograph.types import CaptureMode
from tachograph_detectors.redact import MIN_KEY_BYTES, Redactor, types_of
from tachograph_sidecar.engines import ADAPTERS
from tachograph_sidecar.proxy.pool import Upstream, parse_upstreams


class SettingsError(ValueError):
    """A setting that cannot be used; `remedy` says what to give instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class SidecarSettings:
    """Everything a sidecar is told at its start."""

    upstreams: tuple[Upstream, ...]
    host: str = "127.0.0.1"
    port: int = 8787
    endpoint: str = "http://127.0.0.1:4318"
    api_key: str | None = field(default=None, repr=False)
    capture: CaptureMode = "full"
    tenants_file: Path | None = None
    routing_file: Path | None = None
    trust_tenant_header: bool = False
    engine: str = "auto"
    ask_usage: bool = True
    gpu: bool = True
    calibration: Path | None = None
    model_config: Path | None = None
    steps_socket: Path | None = None
    drain_s: float = 30.0
    max_connections: int = 1024
    redact: tuple[str, ...] = ()
    redact_key: str | None = field(default=None, repr=False)

    @property
    def redactor(self) -> Redactor | None:
        """What is replaced in answers and spans; None for nothing."""
        key = self.redact_key.encode() if self.redact_key is not None else None
        return Redactor.of(self.redact, key) if self.redact else None


@dataclass(frozen=True, slots=True)
class Option:
    """One setting: its flag, its variable, how it is read, what it means."""

    name: str
    variable: str
    read: Callable[[str], Any]
    default: str | None
    help: str
    metavar: str

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= 65535:
        raise ValueError("needs a port from 0 (any free one) to 65535")
    return number


def _count(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 65535:
        raise ValueError("needs a number from 1 to 65535")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= 86_400.0:
        raise ValueError("needs seconds from 0 to 86400")
    return number


def _switch(text: str) -> bool:
    lower = text.strip().lower()
    if lower in ("on", "true", "yes", "1"):
        return True
    if lower in ("off", "false", "no", "0"):
        return False
    raise ValueError("needs on or off")


def _redacted(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if names != ("off",):
        types_of(names)
    return () if names == ("off",) else names


def _engine(text: str) -> str:
    if text != "auto" and text not in ADAPTERS:
        raise ValueError(f"needs auto or one of {', '.join(ADAPTERS)}")
    return text


OPTIONS = (
    Option(
        "upstream",
        "TACHOGRAPH_SIDECAR_UPSTREAM",
        parse_upstreams,
        "http://127.0.0.1:8080",
        "base URL of the engine; of several engines, separated by commas",
        "URL[,URL]",
    ),
    Option("host", "TACHOGRAPH_SIDECAR_HOST", str, "127.0.0.1", "address to listen on", "ADDRESS"),
    Option(
        "port", "TACHOGRAPH_SIDECAR_PORT", _port, "8787", "port to listen on, 0 for any", "PORT"
    ),
    Option(
        "endpoint",
        "TACHOGRAPH_ENDPOINT",
        parse.endpoint,
        "http://127.0.0.1:4318",
        "base URL of the collector",
        "URL",
    ),
    Option(
        "capture",
        "TACHOGRAPH_SIDECAR_CAPTURE",
        parse.capture,
        None,
        "what is recorded: off, metadata or full (full when the collector is on this machine, "
        "else metadata)",
        "MODE",
    ),
    Option(
        "tenants_file",
        "TACHOGRAPH_SIDECAR_TENANTS_FILE",
        Path,
        None,
        "TOML file that maps callers' API keys (by SHA-256) to tenants",
        "FILE",
    ),
    Option(
        "routing_file",
        "TACHOGRAPH_SIDECAR_ROUTING_FILE",
        Path,
        None,
        "TOML file with engines, limits a tenant and priorities; read again on SIGHUP",
        "FILE",
    ),
    Option(
        "trust_tenant_header",
        "TACHOGRAPH_SIDECAR_TRUST_TENANT_HEADER",
        _switch,
        "off",
        "believe x-tachograph-tenant of callers whose key is unknown",
        "on|off",
    ),
    Option(
        "engine",
        "TACHOGRAPH_SIDECAR_ENGINE",
        _engine,
        "auto",
        f"auto, or one of {', '.join(ADAPTERS)}",
        "NAME",
    ),
    Option(
        "ask_usage",
        "TACHOGRAPH_SIDECAR_ASK_USAGE",
        _switch,
        "on",
        "ask engines for token counts of streams and withhold the one event that carries them",
        "on|off",
    ),
    Option(
        "redact",
        "TACHOGRAPH_SIDECAR_REDACT",
        _redacted,
        "off",
        "replace these in answers before the client gets them, and in what is recorded: pii, name, "
        "secret, or single types, comma separated; TACHOGRAPH_SIDECAR_REDACT_KEY makes marks hashes",
        "TYPES|off",
    ),
    Option("gpu", "TACHOGRAPH_SIDECAR_GPU", _switch, "on", "read GPUs by NVML", "on|off"),
    Option(
        "calibration",
        "TACHOGRAPH_SIDECAR_CALIBRATION",
        Path,
        None,
        "file that tachograph calibrate wrote: joules are split by its weights",
        "FILE",
    ),
    Option(
        "model_config",
        "TACHOGRAPH_SIDECAR_MODEL_CONFIG",
        Path,
        None,
        "config.json of the model, or its folder: gives the bytes of KV cache a request held",
        "FILE",
    ),
    Option(
        "steps_socket",
        "TACHOGRAPH_SIDECAR_STEPS_SOCKET",
        Path,
        None,
        "Unix socket on which vLLM's plugin tells each step: refines whose joules a prompt cost",
        "FILE",
    ),
    Option(
        "drain_s",
        "TACHOGRAPH_SIDECAR_DRAIN_S",
        _seconds,
        "30",
        "longest wait for streams under way when stopped, seconds",
        "SECONDS",
    ),
    Option(
        "max_connections",
        "TACHOGRAPH_SIDECAR_MAX_CONNECTIONS",
        _count,
        "1024",
        "connections to the engine at a time; further requests wait",
        "N",
    ),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare every setting as an option; the API key has none, so that it is in no process list."""
    for option in OPTIONS:
        note = f"{option.variable}, {option.default}" if option.default else option.variable
        parser.add_argument(option.flag, metavar=option.metavar, help=f"{option.help} ({note})")


def read_settings(
    arguments: Mapping[str, str | None], environment: Mapping[str, str] | None = None
) -> SidecarSettings:
    """Settings from parsed options and the environment.

    Raises SettingsError, naming the option or variable and what it needs.
    """
    environment = os.environ if environment is None else environment
    found: dict[str, Any] = {}
    for option in OPTIONS:
        text, place = arguments.get(option.name), option.flag
        if text is None:
            text, place = environment.get(option.variable) or None, option.variable
        if text is None:
            text, place = option.default, option.flag
        if text is None:
            continue
        try:
            found[option.name] = option.read(text)
        except ValueError as error:
            raise SettingsError(f"{place}: {error}", f"correct {place}") from error
    key = environment.get("TACHOGRAPH_API_KEY") or None
    if key is not None:
        try:
            found["api_key"] = parse.header_value(key)
        except ValueError as error:
            raise SettingsError(f"TACHOGRAPH_API_KEY: {error}", "set the key anew") from error
    secret = environment.get("TACHOGRAPH_SIDECAR_REDACT_KEY") or None
    if secret is not None:
        if len(secret.encode()) < MIN_KEY_BYTES:
            raise SettingsError(
                f"TACHOGRAPH_SIDECAR_REDACT_KEY: needs {MIN_KEY_BYTES} bytes or more",
                "make one with: openssl rand -hex 16",
            )
        found["redact_key"] = secret
    if "capture" not in found:
        found["capture"] = "full" if parse.is_loopback(found["endpoint"]) else "metadata"
    return SidecarSettings(upstreams=found.pop("upstream"), **found)
