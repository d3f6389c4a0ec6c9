"""The embedded queue: kombu's `filesystem://` transport, made safe for several processes.

kombu writes a message in place, so a reader may see half of it, and moves it through the shared
temporary directory. Here a message appears whole by a rename, belongs to its owner only, and the
consumer whose unlink succeeds has it. All queues hang on the default exchange: no binding files.
"""

import logging
import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any, Final

from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

from tachograph_evaluators.settings import EvaluatorSettings

_STALE_S: Final = 3600.0

_log = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """A folder with one file a message, named time_id.queue.msg."""

    def _put(self, queue: str, payload: Any, **_: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}.{queue}.msg"
        part = folder / f"{name}.part"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(dumps(payload))  # type: ignore[no-untyped-call]
        part.rename(folder / name)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder = Path(self.data_folder_in)
        for name in _messages(folder, queue):
            path = folder / name
            try:
                text = path.read_text(encoding="utf-8")
                path.unlink()
            except FileNotFoundError:
                continue  # another consumer has it
            try:
                return loads(text)  # type: ignore[no-untyped-call]
            except ValueError:
                _log.error("dropped unreadable message %s; its lease will send it again", name)
        raise Empty

    def _size(self, queue: str) -> int:
        return len(_messages(Path(self.data_folder_in), queue))

    def _purge(self, queue: str) -> int:
        names = _messages(Path(self.data_folder_in), queue)
        for name in names:
            (Path(self.data_folder_in) / name).unlink(missing_ok=True)
        return len(names)

    def _delete(self, queue: str, *_: Any, **__: Any) -> None:
        self._purge(queue)


class Transport(filesystem.Transport):
    """`broker_transport` of the Celery app."""

    Channel = Channel


def _messages(folder: Path, queue: str) -> list[str]:
    suffix = f"{queue}.msg"
    return sorted(name for name in os.listdir(folder) if name.partition(".")[2] == suffix)


def prepare_folder(folder: Path) -> None:
    """Make the queue's folder, owner only, and clear half-written messages of dead processes."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    for path in folder.glob("*.part"):
        try:
            if time.time() - path.stat().st_mtime > _STALE_S:
                path.unlink()
        except FileNotFoundError:
            continue  # renamed meanwhile


def transport_options(folder: Path, settings: EvaluatorSettings) -> dict[str, Any]:
    """`broker_transport_options` for the folder."""
    return {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
        "polling_interval": settings.broker_polling_interval_s,
    }
