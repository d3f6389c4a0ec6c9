"""TACHOGRAPH_HOME: the one directory in which a stack keeps everything, and its `run.json`."""

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tachograph_cli.errors import CommandError

ENVIRONMENT: Final = "TACHOGRAPH_HOME"
_DEFAULT: Final = "~/.tachograph"


@dataclass(frozen=True)
class Home:
    """The directory of one stack. Nothing is created until `ensure`."""

    path: Path

    @classmethod
    def resolve(cls, option: str | None) -> "Home":
        """`--home` wins over TACHOGRAPH_HOME, which wins over ~/.tachograph."""
        chosen = option or os.environ.get(ENVIRONMENT) or _DEFAULT
        return cls(Path(chosen).expanduser().absolute())

    @property
    def run_file(self) -> Path:
        return self.path / "run.json"

    @property
    def lock_file(self) -> Path:
        return self.path / "up.lock"

    @property
    def admin_key_file(self) -> Path:
        return self.path / "admin-key"

    @property
    def alerts_file(self) -> Path:
        return self.path / "alerts.toml"

    @property
    def store_directory(self) -> Path:
        return self.path / "store"

    @property
    def log_directory(self) -> Path:
        return self.path / "logs"

    def log_file(self, service: str) -> Path:
        return self.log_directory / f"{service}.log"

    def ensure(self) -> None:
        """Creates the directory, owner-only; it will hold prompts and credentials."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.log_directory.mkdir(mode=0o700, exist_ok=True)
            if self.path.stat().st_mode & 0o077:
                self.path.chmod(0o700)
        except OSError as error:
            raise CommandError(
                f"the home directory {self.path} cannot be used: {error.strerror}",
                remedy=f"give another one: --home DIR or {ENVIRONMENT}=DIR",
            ) from error


@dataclass
class ServiceRun:
    """What `run.json` says of one service."""

    state: str
    pid: int | None = None
    port: int | None = None
    url: str | None = None
    restarts: int = 0
    started_at: float | None = None  # seconds since the epoch
    log: str = ""


@dataclass
class Run:
    """The content of `run.json`: what `tachograph up` started, for doctor and for scripts."""

    supervisor_pid: int
    version: str
    home: str
    started_at: float = field(default_factory=time.time)
    services: dict[str, ServiceRun] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def write(self, path: Path) -> None:
        """Replaces the file in one step: a reader never sees half of it."""
        write_private(path, json.dumps(self.as_dict(), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Run | None":
        """The last written state; None when there is no file or it is not one of ours."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            services = {name: ServiceRun(**entry) for name, entry in raw.pop("services").items()}
            return cls(**raw, services=services)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None


class HomeLock:
    """An flock on `<home>/up.lock`: one supervisor a home, released by the kernel on any death."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def acquire(self, wait_s: float) -> bool:
        """Tries until `wait_s` seconds have passed; False when another process holds it."""
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(0.1)

    def release(self) -> None:
        os.close(self.fd)


def is_locked(path: Path) -> bool:
    """Whether a supervisor (or its guardian, still cleaning up) holds the home."""
    if not path.exists():
        return False
    lock = HomeLock(path)
    try:
        return not lock.acquire(0.0)
    finally:
        lock.release()


def write_private(path: Path, text: str) -> None:
    """Writes a file that only the owner can read, in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)
