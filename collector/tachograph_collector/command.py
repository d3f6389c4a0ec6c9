"""`tachograph collector`: take OTLP and answer questions until stopped."""

import argparse
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from types import FrameType

from pydantic import ValidationError

from tachograph_collector.processes import (
    Supervisor,
    child_command,
    end_with_supervisor,
    held_port,
)
from tachograph_collector.settings import CollectorSettings

HELP = "run the collector: OTLP over HTTP and gRPC in, REST out"

EXAMPLES = """examples:
  tachograph collector                   listen on 127.0.0.1:4318 and, for gRPC, :4317
  tachograph collector --port 0          take free ports, printed at start
  tachograph collector --grpc-port off   HTTP only
  tachograph collector --processes 4     four processes behind the same ports
  TACHOGRAPH_COLLECTOR_ANONYMOUS=off tachograph collector --host 0.0.0.0
"""

_LOGGER = logging.getLogger(__name__)
_BACKLOG = 1024
_GRACE_S = 8  # less than the supervisor waits; for requests that were accepted when the signal came
_KEEP_ALIVE_S = 75
_MAX_CONNECTIONS = 2048
_GC_THRESHOLD = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("--host", help="address (TACHOGRAPH_COLLECTOR_HOST, 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, help="port, 0 for a free one (TACHOGRAPH_COLLECTOR_PORT, 4318)"
    )
    parser.add_argument(
        "--grpc-port",
        help="port for OTLP/gRPC, 0 for a free one, off for none "
        "(TACHOGRAPH_COLLECTOR_GRPC_PORT, 4317)",
    )
    parser.add_argument(
        "--processes",
        type=int,
        help="processes that share the ports and the store (TACHOGRAPH_COLLECTOR_PROCESSES, 1)",
    )
    parser.add_argument("--process", type=int, help=argparse.SUPPRESS)  # of a supervisor's child


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; 0 after a clean stop, 1 with a message otherwise."""
    given = {name: getattr(args, name) for name in ("host", "port", "grpc_port", "processes")}
    try:
        settings = CollectorSettings(**{k: v for k, v in given.items() if v is not None})
        if settings.processes > 1:
            return _supervise(settings)
        if args.process is not None:
            end_with_supervisor()
            with _listen(settings.host, settings.port, "PORT", is_shared=True) as listener:
                return _serve(settings, listener, args.process)
        if settings.grpc_port not in (0, "off"):
            # gRPC binds it when the server runs, and says nothing of the reason when it cannot.
            _listen(settings.host, int(settings.grpc_port), "GRPC_PORT").close()
        with _listen(settings.host, settings.port, "PORT") as listener:
            host, port = listener.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            print(f"collector listens on http://{shown}:{port}", flush=True)
            return _serve(settings, listener, None)
    except (ValidationError, ValueError, OSError) as error:
        print(f"tachograph collector: {error}", file=sys.stderr)
        return 1


def _supervise(settings: CollectorSettings) -> int:
    _log_to_stderr()
    host, grpc_port = settings.host, settings.grpc_port
    with contextlib.ExitStack() as held:
        try:
            port = held.enter_context(held_port(host, settings.port))
            if grpc_port != "off":
                grpc_port = held.enter_context(held_port(host, int(grpc_port)))
        except OSError as error:
            raise OSError(
                f"cannot listen on {host}: {error.strerror}; set TACHOGRAPH_COLLECTOR_PORT and "
                "TACHOGRAPH_COLLECTOR_GRPC_PORT to ports that are free"
            ) from error
        supervisor = Supervisor(
            lambda number: child_command(number, host, port, grpc_port), settings.processes
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: supervisor.stop())
        shown = f"[{host}]" if ":" in host else host
        print(f"collector listens on http://{shown}:{port}", flush=True)
        if grpc_port != "off":
            _say(f"OTLP/gRPC on {shown}:{grpc_port}")
        return supervisor.run()


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def _listen(address: str, port: int, setting: str, *, is_shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # The protocol said: asyncio switches Nagle off only on sockets that name it.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(
            f"cannot listen on {address}:{port}: {error.strerror}; "
            f"set TACHOGRAPH_COLLECTOR_{setting}"
        ) from error
    return listener


def _serve(settings: CollectorSettings, listener: socket.socket, process: int | None) -> int:
    # Deferred: `--help` and a taken port need no server.
    import uvicorn

    # A caller who sends nonsense must not fill the log: what concerns us is logged by us.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from tachograph_collector.app import create_app

    _log_to_stderr()
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(
                settings, announce=_say if process is None else _LOGGER.info, process=process
            ),
            http="httptools",
            loop="uvloop",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,  # the peer's address decides who needs no key
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )

    def stop_before_start(number: int, frame: FrameType | None) -> None:
        # uvicorn raises the signal once more when it has stopped: then it is served already
        if not server.started:
            raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop_before_start)
    # A block of 10,000 spans is 100,000 lists and maps, none in a cycle: looking for cycles every
    # 700 of them took 11 of 77 µs a span.
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD, 20, 20)
    server.run(sockets=[listener])
    return 0 if server.started else 1


def _say(text: str) -> None:
    print(f"collector listens for {text}", flush=True)


def main() -> int:
    """Entry of `python -m tachograph_collector.command`."""
    parser = argparse.ArgumentParser(prog="tachograph collector", description=HELP)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
