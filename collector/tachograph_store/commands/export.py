"""`tachograph export`: a project's rows as Parquet or JSON lines."""

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from tachograph.version import __version__
from tachograph_store.client import Store, connect
from tachograph_store.commands.home import add_home_argument, use_home
from tachograph_store.errors import StoreError
from tachograph_store.export import Selection, export_table, plan_pieces
from tachograph_store.export_files import ExportedFile
from tachograph_store.export_manifest import MANIFEST, Manifest
from tachograph_store.export_tables import EXPORT_TABLES, PARTS
from tachograph_store.migrate import shipped_migrations
from tachograph_store.settings import StoreSettings

HELP = "write a project's rows to Parquet or JSON lines"

EXAMPLES = """examples:
  tachograph export --project shop --out shop-2026
  tachograph export --project shop --since 2026-11-01 --until 2026-12-01 --out november
  tachograph export --project shop --since 7d --what spans,scores --format jsonl --out week
  tachograph export --project shop --no-content --out figures   no prompts, answers or attributes

The files are readable by their owner only. manifest.json is written last and has the rows and the
SHA-256 of each file; `tachograph import` reads them back.
"""

_AGO = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("--project", required=True, help="whose rows")
    parser.add_argument("--out", required=True, type=Path, help="a new or empty directory")
    parser.add_argument(
        "--since",
        type=_moment,
        default=_BEGINNING,
        help="7d ago, or a date (default: all there is)",
    )
    parser.add_argument("--until", type=_moment, help="likewise, not included (default: now)")
    parser.add_argument(
        "--what",
        type=_parts,
        default=list(PARTS),
        help=f"some of {','.join(PARTS)} (default: all)",
    )
    parser.add_argument("--format", choices=("parquet", "jsonl"), default="parquet")
    parser.add_argument(
        "--no-content",
        action="store_true",
        help="leave out what people wrote, and the maps of attributes in which it may stand",
    )
    add_home_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Do it; 1 with a message on standard error when it cannot be done."""
    try:
        use_home(args)
        now = datetime.now(UTC)
        selection = Selection(
            project=args.project,
            since=args.since,
            until=args.until or now,
            with_content=not args.no_content,
            format=args.format,
        )
        if selection.since >= selection.until:
            raise ValueError("--since is not before --until")
        directory = _prepare(args.out)
        with connect(StoreSettings(), "reader") as store:
            tables = {
                name: _export(store, name, selection, directory)
                for part in args.what
                for name in PARTS[part]
            }
        manifest = Manifest(
            tachograph_version=__version__,
            schema_version=shipped_migrations()[-1].number,
            project=selection.project,
            since=selection.since,
            until=selection.until,
            created_at=now,
            format=selection.format,
            with_content=selection.with_content,
            tables=tables,
        )
        manifest.save(directory)
    except (StoreError, ValueError, OSError) as error:
        print(f"tachograph export: {error}", file=sys.stderr)
        return 1
    for name, files in tables.items():
        print(f"{name}: {sum(file.rows for file in files):,} rows in {len(files):,} files")
    print(f"{directory / MANIFEST}")
    return 0


def _prepare(directory: Path) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise ValueError(f"--out {directory} is not empty: name a new directory")
    directory.chmod(0o700)
    return directory


def _export(store: Store, name: str, selection: Selection, directory: Path) -> list[ExportedFile]:
    table = EXPORT_TABLES[name]
    pieces = plan_pieces(store, table, selection)
    files: list[ExportedFile] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"{name}: rows", total=sum(piece.rows for piece in pieces))
        for file in export_table(store, table, selection, pieces, directory):
            files.append(file)
            progress.advance(task, file.rows)
    return files


def _parts(text: str) -> Sequence[str]:
    parts = text.split(",")
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {','.join(PARTS)}")
    return list(dict.fromkeys(parts))


def _moment(text: str) -> datetime:
    match = _AGO.fullmatch(text)
    if match is not None:
        return datetime.now(UTC) - int(match.group(1)) * _UNITS[match.group(2)]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither like 7d nor a date like 2026-11-01"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
