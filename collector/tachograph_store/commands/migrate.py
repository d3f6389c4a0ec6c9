"""`tachograph migrate`: bring the schema of a ClickHouse server, or the embedded one, up to date."""

import argparse
import sys

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from tachograph_store.client import connect
from tachograph_store.commands.home import add_home_argument, use_home
from tachograph_store.errors import StoreError
from tachograph_store.migrate import migrate, pending
from tachograph_store.settings import StoreSettings

HELP = "bring the store's schema up to date"

EXAMPLES = """examples:
  tachograph migrate                     apply what is missing
  tachograph migrate --dry-run           only say what is missing; status 1 when something is
  tachograph migrate --home /srv/shop    of another stack than TACHOGRAPH_HOME's
  TACHOGRAPH_STORE_URL=https://clickhouse.internal:8443 TACHOGRAPH_STORE_USER=migrator \\
    TACHOGRAPH_STORE_PASSWORD=… tachograph migrate

The embedded engine applies its migrations by itself when it starts.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("--dry-run", action="store_true", help="only say what is missing")
    add_home_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Apply what is pending; 1 with a message when it cannot be done."""
    try:
        use_home(args)
        settings = StoreSettings()
        with connect(settings, "migrator") as store:
            waiting = pending(store)
            if not waiting:
                print("the schema is up to date")
                return 0
            if args.dry_run:
                for migration in waiting:
                    print(f"pending {migration.name}")
                return 1
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            with Progress(*columns) as progress:
                task = progress.add_task("migrations", total=len(waiting))
                for migration in migrate(store, settings):
                    progress.update(task, advance=1, description=migration.name)
            print(f"applied {len(waiting)} migrations")
            return 0
    except (StoreError, ValueError) as error:
        print(f"tachograph migrate: {error}", file=sys.stderr)
        return 1
