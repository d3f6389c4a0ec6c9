"""How the supervisor learns that a service is ready. No probe blocks longer than a second."""

import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

_HTTP_TIMEOUT_S: Final = 1.0
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Probe(Protocol):
    """Asked again and again while a service starts."""

    def check(self) -> bool | None:
        """True ready, False not ready, None still finding out."""

    def cancel(self) -> None:
        """Drops what is under way."""


class HttpProbe:
    """Ready when a GET is answered with a status below 400. Proxy settings are ignored."""

    def __init__(self, url: str) -> None:
        self.url = url

    def check(self) -> bool | None:
        try:
            with _OPENER.open(self.url, timeout=_HTTP_TIMEOUT_S):
                return True
        except (OSError, ValueError):  # refused, reset, timed out, not HTTP yet, 4xx and 5xx
            return False

    def cancel(self) -> None:
        """Nothing is under way between checks."""


class CommandProbe:
    """Ready when a command exits with status 0; runs beside the supervisor's loop."""

    def __init__(self, argv: list[str], env: Mapping[str, str] | None = None) -> None:
        self._argv = argv
        self._env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def check(self) -> bool | None:
        if self._process is None:
            self._process = subprocess.Popen(
                self._argv,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            return None
        status = self._process.poll()
        if status is None:
            return None
        self._process = None
        return status == 0

    def cancel(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class AliveProbe:
    """Ready once a file exists, or at once when none is named: for services that do not listen."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path

    def check(self) -> bool | None:
        return self._path is None or self._path.exists()

    def cancel(self) -> None:
        """Nothing is under way between checks."""
