"""The processes of one stack: which they are, on which ports, and how each shows that it is ready."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tachograph_cli.home import ENVIRONMENT, Home
from tachograph_cli.supervisor import AliveProbe, CommandProbe, HttpProbe, Probe, ServiceSpec
from tachograph_cli.supervisor.ports import LOOPBACK, choose_free, require_free

GRPC: Final = "collector-grpc"
"""The collector's second port, in the mapping of ports."""

DEFAULT_PORTS: Final = {"store": 18123, "collector": 4318, GRPC: 4317, "dashboard": 8501}

GRPC_PORT: Final = "TACHOGRAPH_COLLECTOR_GRPC_PORT"
COLLECTOR_PROCESSES: Final = "TACHOGRAPH_COLLECTOR_PROCESSES"
STORE_URL: Final = "TACHOGRAPH_STORE_URL"
_MOST_PROCESSES: Final = 4  # one engine takes no more than these bring
_COLLECTOR_STOP_S: Final = 25.0  # requests under way get 20 s
_WORKER_STOP_S: Final = 20.0  # a warm shutdown lets the batch that is being judged finish


@dataclass(frozen=True)
class StackOptions:
    """What a user may choose about a stack."""

    dashboard: bool = True
    login: bool = True


def tachograph(*arguments: str) -> tuple[str, ...]:
    """The argv of a `tachograph` subcommand with the interpreter that runs now."""
    return (sys.executable, "-m", "tachograph_cli", *arguments)


def store_is_embedded(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the stack runs its own engine; a ClickHouse URL in the environment says no."""
    return not environ.get(STORE_URL, "").startswith(("http://", "https://"))


def choose_ports(options: StackOptions, *, auto: bool, offset: int) -> dict[str, int]:
    """A port for each listening service; raises when a fixed one is taken."""
    names = [
        name
        for name in DEFAULT_PORTS
        if (name != "store" or store_is_embedded())
        and (name != "dashboard" or options.dashboard)
        and (name != GRPC or os.environ.get(GRPC_PORT) != "off")
    ]
    if auto:
        return dict(zip(names, choose_free(len(names)), strict=True))
    ports = {name: DEFAULT_PORTS[name] + offset for name in names}
    require_free(ports)
    return ports


def collector_processes(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The option that says how many processes take spans, unless the environment does.

    One interpreter uses one core: on two cores two take a fifth more spans a second than one, and
    140 MB more memory. The engine works as much as they do, so they are at most half of many cores.
    """
    if environ.get(COLLECTOR_PROCESSES):
        return ()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    return ("--processes", str(min(cores, _MOST_PROCESSES, max(2, cores // 2))))


def service_environment(home: Home, ports: Mapping[str, int]) -> dict[str, str]:
    """What every process of the stack (and every command that talks to it) needs to be told."""
    environment = {
        ENVIRONMENT: str(home.path),
        "PYTHONUNBUFFERED": "1",
        "TACHOGRAPH_DASHBOARD_COLLECTOR_URL": f"http://{LOOPBACK}:{ports['collector']}",
        # glibc gives each thread an arena of its own otherwise: hundreds of MB over the stack.
        "MALLOC_ARENA_MAX": "2",
    }
    return environment


def service_specs(home: Home, ports: Mapping[str, int], options: StackOptions) -> list[ServiceSpec]:
    """The services in the order of their start; what does not wait for another starts at once."""
    environment = service_environment(home, ports)
    after_store = ("store",) if store_is_embedded() else ()

    def spec(
        name: str,
        probe: Probe,
        *arguments: str,
        after: tuple[str, ...] = after_store,
        stop_s: float = 10.0,
        alive: str | None = None,
    ) -> ServiceSpec:
        port = ports.get(name)
        listen = () if port is None else ("--port", str(port))
        return ServiceSpec(
            name=name,
            argv=tachograph(name, *listen, *arguments),
            probe=probe,
            log=home.log_file(name),
            env=environment,
            after=after,
            port=port,
            url=None if port is None else f"http://{LOOPBACK}:{port}",
            stop_s=stop_s,
            alive_url=None if alive is None else f"http://{LOOPBACK}:{port}{alive}",
        )

    def http(name: str, path: str) -> HttpProbe:
        return HttpProbe(f"http://{LOOPBACK}:{ports[name]}{path}")

    specs = (
        [spec("store", http("store", "/ping"), after=(), alive="/ping")]
        if store_is_embedded()
        else []
    )
    specs += [
        spec(
            "collector",
            http("collector", "/readyz"),
            *collector_processes(),
            *("--grpc-port", str(ports.get(GRPC, "off"))),
            stop_s=_COLLECTOR_STOP_S,
            alive="/livez",
        ),
        spec(
            "worker",
            CommandProbe(list(tachograph("worker", "--ping")), environment),
            stop_s=_WORKER_STOP_S,
        ),
        spec("beat", AliveProbe()),
    ]
    if options.dashboard:
        login = () if options.login else ("--no-login",)
        health = "/_stcore/health"
        specs.append(spec("dashboard", http("dashboard", health), *login, alive=health))
    return specs
