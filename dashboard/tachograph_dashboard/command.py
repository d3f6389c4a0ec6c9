"""`tachograph dashboard`: the pages, at http://127.0.0.1:8501 unless told otherwise."""

import argparse
import ipaddress
import socket
import sys

HELP = "show what was recorded: latency, cost, quality, GPU, alerts"
EPILOG = """examples:
  tachograph dashboard                        log in with a read or admin key
  tachograph dashboard --port 9000
  tachograph dashboard --no-login             everyone who reaches the port reads project default
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments win over TACHOGRAPH_DASHBOARD_*."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port (default 8501)")
    parser.add_argument("--collector-url", help="collector (default http://127.0.0.1:4318)")
    parser.add_argument(
        "--no-login",
        action="store_true",
        default=None,
        help="no key is asked for: everyone who reaches the port reads the project",
    )
    parser.add_argument("--project", help="the project shown with --no-login (default: default)")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted. 0 after a clean stop, 1 when it could not start."""
    # Late: `tachograph --help` must not wait for Streamlit and pandas to load
    import uvicorn
    from pydantic import ValidationError
    from streamlit.web import bootstrap

    from tachograph_dashboard import service
    from tachograph_dashboard.server import create_app
    from tachograph_dashboard.settings import DashboardSettings
    from tachograph_dashboard.theme import streamlit_options
    from tachograph_store.client import connect
    from tachograph_store.errors import StoreError

    names = ("host", "port", "collector_url", "no_login", "project")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    try:
        settings = DashboardSettings(**given)
    except ValidationError as error:
        print(_explain(error), file=sys.stderr)
        return 1
    try:
        store = connect(role="reader")
    except StoreError as error:
        print(f"tachograph dashboard: {error}", file=sys.stderr)
        return 1
    try:
        listener = _listen(settings.host, settings.port)
    except OSError as error:
        print(
            f"tachograph dashboard: cannot listen on {settings.host}:{settings.port}: "
            f"{error.strerror}. Choose another with --port or --host.",
            file=sys.stderr,
        )
        return 1
    port = int(listener.getsockname()[1])
    built = service.build(settings, store)
    service.install(built)
    bootstrap.load_config_options(
        dict(streamlit_options(settings.host, port, settings.allowed_hosts))
    )
    if settings.no_login:
        print(
            f"No login: everyone who reaches {settings.host}:{port} reads project "
            f"{settings.project!r}.",
            file=sys.stderr,
        )
    elif not _is_loopback(settings.host) and not settings.secure_cookie:
        print(
            "Keys would cross the network in the clear: put a TLS proxy in front and set "
            "TACHOGRAPH_DASHBOARD_SECURE_COOKIE=true.",
            file=sys.stderr,
        )
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(built),
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=3,
        )
    )
    print(f"dashboard ready on http://{_authority(settings.host, port)}", flush=True)
    with listener:
        server.run(sockets=[listener])
    return 0 if server.started else 1


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128)


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _explain(error: Exception) -> str:
    """Pydantic's list of faults, one a line, with the variable that mends each."""
    from pydantic import ValidationError

    assert isinstance(error, ValidationError)
    lines = []
    for fault in error.errors(include_input=False, include_url=False):
        field = "_".join(str(part) for part in fault["loc"])
        lines.append(
            f"{field}: {fault['msg']}. Set --{field.replace('_', '-')} or "
            f"TACHOGRAPH_DASHBOARD_{field.upper()}."
        )
    return "\n".join(lines)


def main() -> int:
    """Entry of `python -m tachograph_dashboard.command`."""
    parser = argparse.ArgumentParser(prog="tachograph dashboard", description=HELP)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
