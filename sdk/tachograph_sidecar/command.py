"""`tachograph sidecar`: record every request to an engine, unseen by client and engine."""

import argparse
import asyncio
import logging
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tachograph_sidecar.service import Sidecar

HELP = "record every request to an engine: point clients here instead of at the engine"

EXAMPLES = """examples:
  tachograph sidecar --upstream http://127.0.0.1:8080
                                         listen on 127.0.0.1:8787, send to 127.0.0.1:4318
  tachograph sidecar --upstream http://127.0.0.1:8001,http://127.0.0.1:8002
                                         two engines: each request to the one with least in flight
  tachograph sidecar --upstream http://127.0.0.1:8000 --engine vllm --tenants-file tenants.toml
  TACHOGRAPH_API_KEY=tg_... tachograph sidecar --endpoint https://collector.example:4318
  tachograph sidecar --routing-file routing.toml
                                         engines, limits and priorities; SIGHUP reads it again

The key of the collector is read from TACHOGRAPH_API_KEY only.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    # Deferred, as in run(): `tachograph --help` must not load what this command needs.
    from tachograph_sidecar.settings import add_options

    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    add_options(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT: 0 after a clean stop, 1 when something was cut off or the
    port is taken. A second signal ends at once."""
    from tachograph_sidecar.settings import read_settings

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = read_settings(vars(args))
    try:
        import uvloop
    except ImportError:  # no build for this platform
        new_loop = asyncio.new_event_loop
    else:
        new_loop = uvloop.new_event_loop

    async def serve() -> int:
        from tachograph_sidecar.service import Sidecar

        sidecar = Sidecar(settings)
        try:
            addresses = await sidecar.start()
        except OSError as error:
            print(
                f"tachograph sidecar: cannot listen on {settings.host}:{settings.port}: "
                f"{error.strerror}. Choose another --port, or stop what uses it.",
                file=sys.stderr,
            )
            return 1
        if settings.routing_file is not None:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGHUP, _reload, sidecar)
            engines = f"the engines of {settings.routing_file}"
        else:
            engines = ", ".join(upstream.url for upstream in settings.upstreams)
        for host, port in addresses:
            print(
                f"sidecar listening on http://{host}:{port} -> {engines} "
                f"(telemetry to {settings.endpoint}, capture {settings.capture})",
                flush=True,
            )
        await _stop_signal()
        return 0 if await _stop(sidecar) else 1

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(serve())


def _reload(sidecar: "Sidecar") -> None:
    from tachograph_sidecar.settings import SettingsError

    try:
        sidecar.reload()
    except SettingsError as error:
        print(f"not reloaded: {error}; what held before goes on", file=sys.stderr, flush=True)
    else:
        print("routing file read again", flush=True)


async def _stop_signal() -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)


async def _stop(sidecar: "Sidecar") -> bool:
    in_flight = sidecar.in_flight
    if in_flight:
        print(f"stopping: waiting for {in_flight} answers under way", flush=True)
    return await sidecar.stop()


def main() -> int:
    """Entry of `python -m tachograph_sidecar.command`."""
    parser = argparse.ArgumentParser(prog="tachograph sidecar", description=HELP)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
