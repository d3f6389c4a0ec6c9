"""Processes of the benchmark: the receiver, and the environments of the peers."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[2]
MAX_QUEUE: Final = 2048
"""Records that may wait in every SDK: OpenTelemetry's default."""

_LOCKS: Final = HERE / "peers"
_STAMP: Final = "installed-from"


class ReceiverProcess:
    """The receiver of `receiver.py`, running."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "receiver.py")], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.endpoint = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def ask(self, path: str, *, method: str = "POST") -> Any:
        """Use its own doors: `/mode/...`, `/reset`, `/count`."""
        data = b"" if method == "POST" else None
        request = urllib.request.Request(self.endpoint + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")


def python_of(peer: str | None, cache: Path) -> str:
    """The interpreter of a peer's environment, made from its lock file where it is missing; ours
    for what runs in the project's own (None)."""
    if peer is None:
        return sys.executable
    lock = _LOCKS / f"{peer}.txt"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    folder = cache / peer
    stamp = folder / _STAMP
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        alone = ["--no-deps"] if lock.read_text().startswith("# complete") else []
        subprocess.run([*pip, *alone, "--requirement", str(lock)], check=True)
        stamp.write_text(wanted)
    return str(folder / "bin" / "python")


def environment(peer: str | None) -> Mapping[str, str]:
    """Variables of a measured process: nothing of this one's Python or OpenTelemetry settings
    reaches a peer."""
    # With this variable our sources would be compiled anew in every process, an installed peer's not.
    hidden: tuple[str, ...] = ("OTEL_", "TACHOGRAPH_", "LANGFUSE_", "PYTHONDONTWRITEBYTECODE")
    if peer is not None:
        hidden += ("PYTHON", "VIRTUAL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return kept | {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}


def lines_of(command: list[str], peer: str | None, *, timeout_s: float) -> list[dict[str, Any]]:
    """Run a measured process to its end; the JSON objects that it printed."""
    done = subprocess.run(
        command,
        env=environment(peer),
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:3])} failed:\n{done.stderr[-3000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
