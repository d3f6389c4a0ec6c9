"""What the shipped injection judge says of texts that were kept apart from its training.

    PYTHONPATH=evaluators python evaluators/training/judge_written.py

They are attacks and bold requests in the voices of forty kinds of people, by the writer of the texts
it learned from. Nothing was trained on them and no threshold chosen by them. Takes a minute of two
cores; the last line is JSON.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tachograph_evaluators.evaluator import Answer
from tachograph_evaluators.judges.injection import THRESHOLD, Injection
from training.linear import area
from training.written_texts import UNSEEN, Written, read

_BATCH: Final = 32
_ALARM: Final = 1.0 - THRESHOLD


def main() -> None:
    """Judge all of them, print a line a file and label."""
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    files = {path.stem: read([path]) for path in sorted(UNSEEN.glob("*.jsonl"))}
    judge = Injection()
    table = Table("texts", "label", "number", "alarms")
    values: dict[int, list[float]] = {0: [], 1: []}
    for name, texts in files.items():
        scores = judged(judge, texts)
        found = [1.0 - value for value in track(scores, description=name, total=len(texts))]
        for label, word in ((0, "ordinary"), (1, "attack")):
            own = [v for v, one in zip(found, texts, strict=True) if one.label == label]
            values[label] += own
            if own:
                alarms = sum(value > _ALARM for value in own) / len(own)
                table.add_row(name, word, str(len(own)), f"{alarms:.3f}")
    Console().print(table)
    shares = {label: sum(v > _ALARM for v in found) / len(found) for label, found in values.items()}
    figures = {"texts": sum(map(len, files.values())), "auroc": area(values[1], values[0]),
               "recall": shares[1], "fpr": shares[0]}  # fmt: skip
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


def judged(judge: Injection, texts: Sequence[Written]) -> Iterator[float]:
    """The score of each text as a prompt, 1 is good; what cannot be judged is taken for good."""
    for start in range(0, len(texts), _BATCH):
        answers = [
            Answer(project="p", trace_id="0" * 32, span_id="0" * 16, span_time=0, response=None,
                   prompt=one.text)
            for one in texts[start : start + _BATCH]
        ]  # fmt: skip
        for (score,) in judge.evaluate(answers):
            yield 1.0 if score.value is None else score.value


if __name__ == "__main__":
    main()
