"""How far the LLM judge agrees with labels, and with chance: kappa with its interval.

    python tests/benchmarks/llm_judge/bench_llm_judge.py DATA [--url http://127.0.0.1:8000/v1]

Labelled answers of the grounding set (see docs/evaluators.md), as many supported as not, of every
source the same share, none longer than the engine's window. Without `--url` a llama.cpp server is
started with the small model that the project's tests use. Prints a table, then one JSON object.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

from rich.console import Console
from rich.progress import track
from rich.table import Table
from tests.benchmarks.quality import dataset

from tachograph_evaluators.answer_file import parse
from tachograph_evaluators.evaluator import Answer, Score
from tachograph_evaluators.judges.llm_client import EndpointError
from tachograph_evaluators.judges.llm_judge import LlmJudge, WrongVerdict
from tachograph_evaluators.judges.settings import JudgeSettings
from tachograph_store.rates.agreement import agreement
from tachograph_store.rates.pairs import Interval, Pair

_SERVER: Final = Path(__file__).parents[2] / "integration" / "sidecar" / "llama_server.py"
_MOST_CHARS: Final = 2000  # of prompt, context and answer: what the test engine's window holds
_TIMEOUT_S: Final = 300.0


def main() -> int:
    """Print what was measured; 2 when the data is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--url", help="an OpenAI-compatible endpoint; none: a small local engine")
    parser.add_argument("--model", default="", help="its model; none: the first that it lists")
    parser.add_argument("--rows", type=int, default=200, help="answers to judge")
    arguments = parser.parse_args()
    try:
        data = dataset.read(arguments.data)
    except dataset.MissingData as missing:
        print(missing, file=sys.stderr)
        return 2
    rows = balanced(data.rows["grounding"], arguments.rows)
    with _endpoint(arguments.url) as url:
        settings = JudgeSettings(
            url=url, model=arguments.model, timeout_s=_TIMEOUT_S, input_price=Decimal(1_000_000)
        )
        judge = LlmJudge(settings)
        began_s = time.perf_counter()
        judged = [
            (row, _judged(judge, row)) for row in track(rows, description="llm_judge: grounding")
        ]
        seconds = time.perf_counter() - began_s
    scores = [(row, score) for row, score in judged if score is not None]
    pairs = [
        Pair(label=1.0 - int(row["label"]), score=score.value)
        for row, score in scores
        if score.value is not None
    ]
    found = agreement(pairs)
    cells = found.confusion
    table = Table(title="the LLM judge against labels", title_justify="left")
    for heading in ("answers", "no verdict", "agree", "kappa (95 %)", "AUROC (95 %)", "s/answer"):
        table.add_column(heading)
    table.add_row(
        str(len(rows)),
        str(len(rows) - len(pairs)),
        str(cells.both_good + cells.both_bad),
        _told(found.kappa),
        _told(found.auroc),
        f"{seconds / len(rows):.2f}",
    )
    Console(width=120).print(table)
    print(
        f"called good and labelled good {cells.both_good}, called bad and labelled bad "
        f"{cells.both_bad}, missed {cells.missed}, false alarms {cells.false_alarm}"
    )
    tokens = [float(score.cost) for _, score in scores if score.cost is not None]
    print(
        json.dumps(
            {
                "bench": "llm-judge",
                "answers": len(rows),
                "no_verdict": len(rows) - len(pairs),
                "kappa": _rounded(found.kappa),
                "auroc": _rounded(found.auroc),
                "input_tokens_per_answer": round(sum(tokens) / len(tokens)) if tokens else None,
            }
        )
    )
    return 0


def balanced(rows: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """About `count` rows, of each source and label the same number where there are so many."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        texts = (row.get(name) or "" for name in ("prompt", "context", "response"))
        if sum(map(len, texts)) <= _MOST_CHARS:
            groups[str(row["source"]), int(row["label"])].append(row)
    generator = Random(1)
    share = max(1, count // max(1, len(groups)))
    return [
        row
        for _, group in sorted(groups.items())
        for row in generator.sample(group, min(share, len(group)))
    ]


def _judged(judge: LlmJudge, row: dict[str, Any]) -> Score | None:
    answer: Answer = parse(json.dumps(row).encode(), 0)[1]
    try:
        return judge.evaluate([answer])[0][0]
    except (EndpointError, WrongVerdict):
        return None  # counted: an engine that ignores response_format gives many


@contextmanager
def _endpoint(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    with subprocess.Popen(
        [sys.executable, str(_SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        address = next(line for line in process.stdout if line.startswith("http")).strip()
        yield f"{address}/v1"
        process.stdin.close()


def _told(found: Interval | None) -> str:
    return (
        "undefined" if found is None else f"{found.estimate:.2f} ({found.low:.2f}-{found.high:.2f})"
    )


def _rounded(found: Interval | None) -> list[float] | None:
    return None if found is None else [round(x, 3) for x in (found.estimate, found.low, found.high)]


if __name__ == "__main__":
    raise SystemExit(main())
