"""`tachograph import`: exports of Tachograph, of Langfuse, and OTLP files into a project."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tachograph_collector.errors import ApiError
from tachograph_collector.importing.batch import Batch
from tachograph_collector.importing.feed import Feed
from tachograph_collector.importing.json_items import NotJson, json_items, open_input
from tachograph_collector.importing.langfuse_files import read_langfuse
from tachograph_collector.importing.langfuse_records import kind_of
from tachograph_collector.importing.otlp_files import OtlpReader, request_kind
from tachograph_collector.importing.rollups import write_rollups
from tachograph_collector.importing.tachograph_files import read_export
from tachograph_collector.pricing import Pricer
from tachograph_collector.redaction import Redaction
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.translate.limits import Limits, Window
from tachograph_store.client import connect
from tachograph_store.commands.home import add_home_argument, use_home
from tachograph_store.errors import StoreError
from tachograph_store.export_manifest import MANIFEST, Manifest, check_files
from tachograph_store.retention import Retention, effective
from tachograph_store.settings import StoreSettings

HELP = "read an export of Tachograph or Langfuse, or an OTLP file, into a project"

EXAMPLES = """examples:
  tachograph import shop-2026 --project shop              an export of `tachograph export`
  tachograph import langfuse.jsonl.gz --project shop      traces, observations, scores of Langfuse
  tachograph import blob/ --project shop                  a folder of such files
  tachograph import spans.json --project shop             OTLP/JSON: a request a line, or one

What it read is in the store when it ends. Run again, also after it was killed, it stores nothing
twice. Rows older than the project's retention are refused; the exit status is 1 when any was.
"""

FORMATS: Final = ("tachograph", "langfuse", "otlp")
_SUFFIXES: Final = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("path", type=Path, help="a directory, or a file; .gz is unpacked")
    parser.add_argument("--project", required=True, help="whose rows they become")
    parser.add_argument("--format", choices=FORMATS, help="default: as the file looks")
    parser.add_argument(
        "--patience-s",
        type=float,
        default=60.0,
        help="seconds that the store may take nothing before the import gives up (default: 60)",
    )
    add_home_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Do it; 1 when anything was refused or it could not be done, said on standard error."""
    try:
        use_home(args)
        return _run(args)
    except (StoreError, ApiError, OSError, ValueError) as error:
        print(f"tachograph import: {error}", file=sys.stderr)
        return 1


def _run(args: argparse.Namespace) -> int:
    settings, store_settings = CollectorSettings(), StoreSettings()
    redaction = Redaction(settings).of(args.project)
    with connect(store_settings, "writer") as store:
        days = effective(store, args.project)
        paths = _files(args.path)
        batches = _batches(args, paths, settings, store_settings, days)
        total = sum(path.stat().st_size for path in paths)
        rollups: Counter[str] = Counter()
        broken: NotJson | None = None
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
        )
        with (
            Feed(args.project, settings, store_settings, args.patience_s) as feed,
            Progress(*columns, console=Console(stderr=True)) as progress,
        ):
            task = progress.add_task("import", total=total)
            try:
                for batch in batches:
                    if batch.signal == "rollups":  # the last: after the spans that they may repeat
                        feed.finish()
                        rows = batch.tables.get("rollups", [])
                        rollups["stored"] += write_rollups(store, args.project, rows)
                        rollups["read"] += len(rows)
                        rollups["rejected"] += batch.rejected.total()
                    else:
                        feed.put(batch if redaction is None else redaction.batch(batch))
                    progress.advance(task, batch.read_bytes)
            except NotJson as error:
                broken = error
            progress.update(task, description="storing")
            feed.finish()
            progress.update(task, completed=total, description="stored")
    return _report(feed, rollups, broken)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ValueError(f"{path}: there is no such file or directory")
    if (path / MANIFEST).is_file():
        manifest = Manifest.load(path)
        return [path / file.name for files in manifest.tables.values() for file in files]
    found = sorted(file for file in path.rglob("*") if file.name.endswith(_SUFFIXES))
    if not found:
        raise ValueError(f"{path} holds neither {MANIFEST} nor JSON files")
    return found


def _batches(
    args: argparse.Namespace,
    paths: list[Path],
    settings: CollectorSettings,
    store_settings: StoreSettings,
    days: Retention,
) -> Iterator[Batch]:
    kind = args.format or _kind(args.path, paths)
    now_ns = time.time_ns()
    if kind == "tachograph":
        manifest = Manifest.load(args.path)
        problems = check_files(manifest, args.path)
        if problems:
            raise ValueError(f"{args.path} is not whole: {'; '.join(problems[:5])}")
        return read_export(manifest, args.path, args.project, days, now_ns)
    limits = replace(
        Limits.of(settings, store_settings),
        retention_days=days.spans_days,
        content_retention_days=days.content_days,
        readings_retention_days=days.readings_days,
    )
    pricer = Pricer(settings)
    if kind == "otlp":
        reader = OtlpReader(args.project, limits, now_ns, pricer)
        return (batch for path in paths for batch in reader.read(path))
    window = Window.around(now_ns, limits.retention_days)
    return read_langfuse(paths, args.project, limits, window, pricer)


def _kind(path: Path, paths: list[Path]) -> str:
    if path.is_dir() and (path / MANIFEST).is_file():
        return "tachograph"
    with open_input(paths[0]) as file:
        first = next((item for item, _ in json_items(file)), None)
    if request_kind(first) is not None:
        return "otlp"
    data = first.get("data") if isinstance(first, dict) else None
    if kind_of(data[0] if isinstance(data, list) and data else first) is not None:
        return "langfuse"
    raise ValueError(
        f"{paths[0]} is neither an OTLP request nor a record of Langfuse: name its kind by --format"
    )


def _report(feed: Feed, rollups: Counter[str], broken: NotJson | None) -> int:
    outcomes = feed.outcomes()
    stored: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for (signal, outcome, _), count in outcomes.items():
        if outcome in ("stored", "duplicate", "forgotten"):
            stored[f"{signal} {outcome}"] += count
        elif outcome == "quarantined":
            lost[
                f"{signal} quarantined: the store refused them, see <home>/journal/quarantine"
            ] += count
    for (signal, reason), count in feed.fed.rejected.items():
        lost[f"{signal} refused: {reason}"] += count
    if rollups["read"] or rollups["rejected"]:
        stored["rollups stored"] = rollups["stored"]
        stored["rollups left to be computed from spans"] = rollups["read"] - rollups["stored"]
        lost["rollups refused"] = rollups["rejected"]
    for text, count in (+stored).items():
        print(f"{count:,} {text}")
    for text, count in (+lost).items():
        print(f"{count:,} {text}", file=sys.stderr)
    if broken is not None:
        print(f"the rest of the file was not read: {broken}", file=sys.stderr)
    return 1 if +lost or broken is not None else 0
