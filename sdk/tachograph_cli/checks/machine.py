"""Checks of the machine: Python, what is installed, disk, open files, GPU."""

import ctypes
import os
import re
import resource
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tachograph_cli.checks.finding import Finding, failed, ok, warning

_GIB: Final = 1024**3
_DISK_FAILED_BYTES: Final = 1 * _GIB
_DISK_WARNING_BYTES: Final = 5 * _GIB
_FILES_FAILED: Final = 1024
_FILES_WARNING: Final = 4096
_MIN_PYTHON: Final = (3, 11)
_REQUIREMENT: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+).*\bextra\s*==\s*['\"](?P<extra>\w+)")
_COMPILED: Final = "TACHOGRAPH_COMPILED"
_NVML: Final = "libnvidia-ml.so.1"


def check_machine(directory: Path) -> Iterator[Finding]:
    """`directory` is where data is or will be kept."""
    yield _python()
    yield from _extras()
    yield from _compiled()
    yield _disk(directory)
    yield _open_files()
    yield _gpu()


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _MIN_PYTHON:
        return failed("python", found, "install Python 3.11 or newer and make a new environment")
    return ok("python", found)


def _extras() -> Iterator[Finding]:
    missing: dict[str, list[str]] = defaultdict(list)
    for requirement in requires("tachograph") or []:
        found = _REQUIREMENT.match(requirement)
        if found is None:
            continue
        missing[found["extra"]] += [] if _is_installed(found["name"]) else [found["name"]]
    for extra, names in sorted(missing.items()):
        if names:
            yield warning(
                f"extra {extra}",
                f"not installed: {', '.join(names)}",
                f'pip install "tachograph[{extra}]", if this machine needs it',
            )
    complete = sorted(extra for extra, names in missing.items() if not names)
    yield ok("extras", f"installed: {', '.join(complete) or 'none'}")


def _compiled() -> Iterator[Finding]:
    """Nothing where no collector is installed."""
    collector = find_spec("tachograph_collector")
    if collector is None or collector.origin is None or not _is_installed("fastapi"):
        return
    folder = Path(collector.origin).parent / "translate"
    if not any((folder / f"_compiled_spans{suffix}").exists() for suffix in EXTENSION_SUFFIXES):
        yield warning(
            "compiled parts",
            "not built: the collector takes twice the CPU for a span",
            "install a C compiler and Python's headers (Debian: gcc python3-dev), then tachograph "
            "again",
        )
    elif os.environ.get(_COMPILED, "on").strip().lower() in ("off", "0", "false"):
        yield warning("compiled parts", f"switched off by {_COMPILED}", f"unset {_COMPILED}")
    else:
        yield ok("compiled parts", "built for this Python")


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _disk(directory: Path) -> Finding:
    existing = next(path for path in [directory, *directory.parents] if path.exists())
    free = shutil.disk_usage(existing).free
    detail = f"{free / _GIB:.1f} GiB free at {existing}"
    remedy = "free some space or move the home: tachograph up --home DIR"
    if free < _DISK_FAILED_BYTES:
        return failed("disk", detail, remedy)
    if free < _DISK_WARNING_BYTES:
        return warning("disk", detail, remedy)
    return ok("disk", detail)


def _open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    detail = f"at most {soft} open files a process"
    remedy = f"ulimit -n {hard if hard > 0 else 65536}, or LimitNOFILE= in the systemd unit"
    if soft < _FILES_FAILED:
        return failed("open files", detail, remedy)
    if soft < _FILES_WARNING:
        return warning("open files", detail, remedy)
    return ok("open files", detail)


def _gpu() -> Finding:
    """Asks the driver's library itself, so that it works without the extra `gpu`."""
    try:
        nvml = ctypes.CDLL(_NVML)
    except OSError:
        return ok("gpu", "no NVIDIA driver here; GPU and energy figures stay empty")
    code = nvml.nvmlInit_v2()
    if code != 0:
        return warning(
            "gpu",
            f"the driver's library is there, but NVML does not start (code {code})",
            "run `nvidia-smi`; in a container pass the GPU in (--gpus all)",
        )
    count = ctypes.c_uint(0)
    nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    nvml.nvmlShutdown()
    if not _is_installed("nvidia-ml-py"):
        return warning(
            "gpu",
            f"{count.value} GPU(s), but the sidecar cannot read them",
            'pip install "tachograph[gpu]"',
        )
    return ok("gpu", f"{count.value} GPU(s) by NVML")
