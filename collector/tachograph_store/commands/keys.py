"""`tachograph keys`: make, list and revoke API keys."""

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tachograph_store.client import connect
from tachograph_store.commands.home import add_home_argument, use_home
from tachograph_store.errors import StoreError
from tachograph_store.keys import ROLES, create_key, list_keys, revoke_key
from tachograph_store.rows import ApiKeyRow
from tachograph_store.settings import StoreSettings

HELP = "make, list and revoke API keys"

EXAMPLES = """examples:
  tachograph keys create --project shop --role ingest           for the services of one project
  tachograph keys create --project shop --role view --expires 90d --name ada    for a person
  tachograph keys list --project shop
  tachograph keys revoke 3f9c1a20b7e4                           a collector notices within 10 s
"""

_EXAMPLES_OF = {
    "create": """examples:
  tachograph keys create --project shop --role ingest           what services send with
  tachograph keys create --project shop --role view --expires 90d --name ada    what a person logs in with
  KEY=$(tachograph keys create --project shop --role ingest)    the key alone goes to standard output
""",
    "list": """examples:
  tachograph keys list
  tachograph keys list --project shop
""",
    "revoke": """examples:
  tachograph keys revoke 3f9c1a20b7e4
  tachograph keys revoke tg_3f9c1a20b7e4_…      the whole key does as well
""",
}

_DURATION = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key; it is printed once and never again")
    create.add_argument("--project", required=True, help="the project that the key opens")
    create.add_argument(
        "--role",
        required=True,
        choices=ROLES,
        help="ingest: send; view: read, and give verdicts; read: both; admin: everything",
    )
    create.add_argument("--name", default="", help="what the key is for (default: its role)")
    create.add_argument(
        "--expires", type=_expiry, help="12h, 90d, 52w, or a date like 2027-01-31 (default: never)"
    )
    listing = actions.add_parser("list", help="show keys, never their secrets")
    listing.add_argument("--project", default="", help="only this project's")
    revoke = actions.add_parser("revoke", help="end a key for good")
    revoke.add_argument("key_id", help="as `keys list` shows it, or the whole key")
    for name, action in (("create", create), ("list", listing), ("revoke", revoke)):
        add_home_argument(action)
        action.formatter_class = argparse.RawDescriptionHelpFormatter
        action.epilog = _EXAMPLES_OF[name]


def run(args: argparse.Namespace) -> int:
    """Do it; 1 with a message on standard error when it cannot be done."""
    try:
        use_home(args)
        return _run(args)
    except (StoreError, ValueError) as error:
        print(f"tachograph keys: {error}", file=sys.stderr)
        return 1


def _run(args: argparse.Namespace) -> int:
    with connect(StoreSettings(), "writer") as store:
        if args.action == "create":
            new = create_key(store, args.project, args.role, args.name or args.role, args.expires)
            print(new.key)
            print(
                f"key {new.row.key_id} for project {args.project}, role {args.role}; "
                "it cannot be shown again",
                file=sys.stderr,
            )
        elif args.action == "revoke":
            row = revoke_key(store, _key_id(args.key_id))
            print(f"key {row.key_id} ({row.name}, project {row.project}) is revoked")
        else:
            Console().print(_table(list_keys(store, args.project)))
    return 0


def _table(rows: Sequence[ApiKeyRow]) -> Table:
    table = Table()
    table.add_column("key id", no_wrap=True, min_width=12)  # to be pasted into `keys revoke`
    for title in ("project", "role", "name", "made", "expires", "state"):
        table.add_column(title, overflow="fold")
    now = datetime.now(UTC)
    for row in rows:
        table.add_row(
            row.key_id,
            escape(row.project),
            row.role,
            escape(row.name),
            f"{row.created_at:%Y-%m-%d}",
            f"{row.expires_at:%Y-%m-%d %H:%M}" if row.expires_at else "never",
            _state(row, now),
        )
    return table


def _state(row: ApiKeyRow, now: datetime) -> str:
    if row.revoked_at is not None:
        return f"revoked {row.revoked_at:%Y-%m-%d}"
    if row.expires_at is not None and row.expires_at <= now:
        return "expired"
    return "active"


def _key_id(text: str) -> str:
    return text.split("_")[1] if text.startswith("tg_") else text


def _expiry(text: str) -> datetime:
    match = _DURATION.fullmatch(text)
    if match is not None:
        return datetime.now(UTC) + int(match.group(1)) * _UNITS[match.group(2)]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a duration like 90d nor a date like 2027-01-31"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
