"""The second wall: the kernel (Landlock) keeps the engine's process to its own files and ports.

The guard refuses statements that name files or hosts. Should one slip through, the process may open
nothing beyond the engine's data, the interpreter and what the engine reads of /proc and /sys (the
credentials are not among them), and may connect to no TCP port but its own.
"""

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH, _RULE_NET_PORT = 1, 2
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FILE, _MAKE_REGULAR_FILE = 1 << 5, 1 << 8
_TRUNCATE = 1 << 14
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_CONNECT_TCP = 1 << 1

_ALL_FS_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
_NET_VERSION = 4

_SYSTEM_PATHS = (
    *("/usr", "/lib", "/lib64", "/sys/fs/cgroup", "/sys/devices/system", "/dev/urandom"),
    *("/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/loadavg"),
    *("/proc/uptime", "/proc/filesystems", "/proc/mounts", "/proc/sys", "/etc/hosts"),
    *("/etc/localtime", "/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/resolv.conf"),
)


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


class _NetPort(ctypes.Structure):
    _fields_ = (("allowed_access", ctypes.c_uint64), ("port", ctypes.c_uint64))


class _Kernel:
    """Landlock's system calls; raises OSError."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)

    def call(self, number: int, *arguments: object) -> int:
        result = int(self._libc.syscall(ctypes.c_long(number), *arguments))
        if result < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return result

    def forbid_new_privileges(self) -> None:
        if self._libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))


def landlock_version() -> int:
    """The kernel's Landlock version, 0 without it (or on another system than Linux)."""
    if not sys.platform.startswith("linux"):
        return 0
    try:
        return _Kernel().call(_CREATE_RULESET, None, ctypes.c_size_t(0), _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def restrict(port: int, *, owned: Iterable[Path], readable: Iterable[Path], renaming: Path) -> bool:
    """Keep this process, from now on, to these paths and `port`; False where the kernel cannot.

    It may do anything below `owned`, read `readable`, and replace and remove files of `renaming`
    without reading or writing them. Threads that run already stay free: call it before the engine
    starts any.
    """
    version = landlock_version()
    if version == 0:
        return False
    kernel = _Kernel()
    handled = _ALL_FS_BY_VERSION[min(version, max(_ALL_FS_BY_VERSION))]
    net = _CONNECT_TCP if version >= _NET_VERSION else 0
    attributes = _RulesetAttributes(handled, net, 0)
    size = ctypes.sizeof(attributes) if version >= 6 else (16 if version >= _NET_VERSION else 8)
    ruleset = kernel.call(
        _CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0)
    )
    try:
        for path in (*_interpreter_and_system(), *readable):
            _allow(kernel, ruleset, path, _READ & handled)
        _allow(kernel, ruleset, Path("/dev/null"), (_READ_FILE | _WRITE_FILE) & handled)
        for path in owned:
            _allow(kernel, ruleset, path, handled)
        _allow(kernel, ruleset, renaming, _REMOVE_FILE | _MAKE_REGULAR_FILE)
        if net:
            rule = _NetPort(_CONNECT_TCP, port)
            kernel.call(_ADD_RULE, ruleset, _RULE_NET_PORT, ctypes.byref(rule), ctypes.c_uint32(0))
        kernel.forbid_new_privileges()
        kernel.call(_RESTRICT_SELF, ruleset, ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return True


def _interpreter_and_system() -> Iterable[Path]:
    python = (sys.prefix, sys.base_prefix, *sys.path)
    return [Path(path) for path in (*_SYSTEM_PATHS, *python) if path and Path(path).exists()]


def _allow(kernel: _Kernel, ruleset: int, path: Path, access: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not path.is_dir():
            access &= _OF_FILES
        rule = _PathBeneath(access, descriptor)
        kernel.call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(descriptor)
