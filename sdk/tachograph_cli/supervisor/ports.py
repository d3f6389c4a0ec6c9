"""Free ports: checked before anything starts, or chosen by the system."""

import errno
import socket
from contextlib import ExitStack
from typing import Final

from tachograph_cli.errors import EXIT_USAGE, CommandError

LOOPBACK: Final = "127.0.0.1"


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now (SO_REUSEADDR, as servers set it)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def choose_free(count: int, host: str = LOOPBACK) -> list[int]:
    """Distinct ports that are free now; all are held until the last is chosen."""
    with ExitStack() as held:
        ports = []
        for _ in range(count):
            probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            probe.bind((host, 0))
            ports.append(int(probe.getsockname()[1]))
    return ports


def require_free(ports: dict[str, int]) -> None:
    """Raises with every port that is taken and the way out."""
    taken = [f"{port} ({name})" for name, port in ports.items() if not is_free(port)]
    if taken:
        raise CommandError(
            f"in use by another process: port {', port '.join(taken)}",
            remedy="stop that process (`ss -ltnp` names it), or start with --port-offset 100 "
            "or --ports auto",
            exit_code=EXIT_USAGE,
        )
