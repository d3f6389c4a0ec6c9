"""`tachograph eval`: judge the answers of a file."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tachograph_evaluators import answer_file
from tachograph_evaluators.answer_file import OtherRun, Row
from tachograph_evaluators.evaluator import Evaluator, NotConfigured
from tachograph_evaluators.registry import UnknownEvaluator, installed
from tachograph_evaluators.suite import judge_batch

HELP = "judge the answers of a file, with no stack running"

EXAMPLES = """examples:
  tachograph eval answers.jsonl --evaluators grounding --out scores.jsonl
  tachograph eval answers.jsonl --evaluators toxicity,injection,pii --out scores.jsonl
  tachograph eval answers.jsonl --out scores.jsonl --resume      go on where a run was cut short

Rows: {"id": "1", "prompt": "...", "context": "...", "response": "..."}; a text may be null, a
context may be a list of passages. Scores: one line an answer and evaluator, 1 is good; `spans` are
[start, stop, label] in characters of `text`. `tachograph evaluators` lists the names.
"""

_BATCH_ANSWERS: Final = 32
_BATCH_CHARS: Final = 2_000_000
_PROBLEMS_SHOWN: Final = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("file", type=Path, help="answers, JSON lines")
    parser.add_argument(
        "--evaluators",
        type=_names,
        default=(),
        metavar="NAME[,NAME]",
        help="which (default: all that are installed)",
    )
    parser.add_argument("--out", required=True, type=Path, help="where the scores go, JSON lines")
    parser.add_argument("--resume", action="store_true", help="keep what an earlier run judged")
    parser.add_argument(
        "--strict", action="store_true", help="exit 1 when a row could not be judged"
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def run(args: argparse.Namespace) -> int:
    """Do it; 1 with a message on standard error when it cannot be done."""
    try:
        evaluators = list(installed(args.evaluators).values())
        missing = len(args.evaluators) - len(evaluators)
        if not evaluators or (args.evaluators and missing):
            raise UnknownEvaluator("an evaluator could not be loaded; the log above says why")
        return _run(args, evaluators)
    except (OSError, OtherRun, UnknownEvaluator, NotConfigured) as error:
        print(f"tachograph eval: {error}", file=sys.stderr)
        return 1


def _run(args: argparse.Namespace, evaluators: Sequence[Evaluator]) -> int:
    partial = answer_file.partial_path(args.out)
    identities = [(evaluator.name, evaluator.version) for evaluator in evaluators]
    skip, last_id = 0, None
    if args.resume and partial.exists():
        skip, last_id = answer_file.resume(partial, identities)
    judged, problems = skip, _Problems()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with (
        args.file.open("rb") as source,
        _private(partial, append=skip > 0) as out,
        Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress,
    ):
        task = progress.add_task("loading models", total=args.file.stat().st_size)
        for evaluator in evaluators:
            evaluator.warm_up()
        good = _good_rows(answer_file.read_rows(source), problems, skip, last_id)
        for batch in _batches(good):
            found = judge_batch(evaluators, [row.answer for row in batch if row.answer is not None])
            for row, columns_of_row in zip(batch, found, strict=True):
                for evaluator, scores in zip(evaluators, columns_of_row, strict=True):
                    out.write(answer_file.score_line(row.id, evaluator, scores))
            out.flush()
            judged += len(batch)
            progress.update(task, completed=batch[-1].stop, description=f"{judged} answers")
        progress.update(task, completed=args.file.stat().st_size)
    os.replace(partial, args.out)
    problems.summarise()
    print(f"{judged} answers by {len(evaluators)} evaluators: {args.out}", file=sys.stderr)
    return 1 if problems.count and (args.strict or not judged) else 0


def _private(path: Path, *, append: bool) -> TextIO:
    """Scores quote what people wrote: for their owner only."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC)
    return os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8")


class _Problems:
    """Rows without an answer: each named while they are few, counted always."""

    def __init__(self) -> None:
        self.count = 0

    def tell(self, row: Row) -> None:
        self.count += 1
        if self.count <= _PROBLEMS_SHOWN:
            print(f"line {row.line} left out: {row.problem}", file=sys.stderr)

    def summarise(self) -> None:
        if self.count:
            print(f"{self.count} lines left out", file=sys.stderr)


def _good_rows(
    rows: Iterator[Row], problems: _Problems, skip: int, last_id: str | None
) -> Iterator[Row]:
    for row in rows:
        if row.answer is None:
            problems.tell(row)
        elif skip > 1:
            skip -= 1
        elif skip == 1:
            skip = 0
            if row.id != last_id:
                raise OtherRun(
                    f"line {row.line} has id {row.id!r} where the earlier run had {last_id!r}: "
                    "the file changed; run without --resume"
                )
        else:
            yield row


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Batches of bounded text; a huge answer is a batch of its own."""
    batch: list[Row] = []
    held = 0
    for row in rows:
        size = row.size
        if batch and (len(batch) >= _BATCH_ANSWERS or held + size > _BATCH_CHARS):
            yield batch
            batch, held = [], 0
        batch.append(row)
        held += size
    if batch:
        yield batch
