"""`tachograph store`: run the embedded ClickHouse engine in the foreground."""

import argparse
import logging
import sys
from importlib.util import find_spec

from tachograph_store.embedded.serve import serve
from tachograph_store.errors import StoreError
from tachograph_store.settings import StoreSettings

HELP = "run the embedded ClickHouse engine (ClickHouse's HTTP protocol on loopback)"

EXAMPLES = """examples:
  tachograph store                       listen on 127.0.0.1:18123, data in ~/.tachograph/store
  tachograph store --port 0              take a free port; clients find it by themselves
  TACHOGRAPH_HOME=/data/t tachograph store
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--port", type=int, help="loopback port, 0 for a free one (TACHOGRAPH_STORE_PORT, 18123)"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; 0 after a clean stop, 1 with a message when it cannot run."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = StoreSettings()
        if args.port is not None:
            settings = StoreSettings(port=args.port)
        if not settings.is_embedded:
            raise StoreError(
                "TACHOGRAPH_STORE_URL names a ClickHouse server: there is no engine to run here; "
                "unset it to use the embedded engine"
            )
        if find_spec("chdb") is None:
            raise StoreError('the engine is not installed: pip install "tachograph[embedded]"')
        serve(settings, announce=lambda line: print(line, flush=True))
    except (StoreError, OSError, ValueError) as error:
        print(f"tachograph store: {error}", file=sys.stderr)
        return 1
    return 0


def main() -> int:
    """Entry of `python -m tachograph_store.commands.store`."""
    parser = argparse.ArgumentParser(prog="tachograph store", description=HELP)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
