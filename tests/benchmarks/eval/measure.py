"""One way of judging, in a process of its own: its rate and its largest memory, as JSON.

    python -m tests.benchmarks.eval.measure light|full|plain ANSWERS

`light` is the whole default suite without the small language model, `full` with it, `plain` the
light suite with one `encode` call of sentence-transformers an answer, torch float32. Models are
loaded and warm before the clock starts; every text is new to the caches.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from tests.benchmarks.eval.answers import made

BATCH: Final = 32


def main() -> int:
    """Print the figures."""
    way, count = sys.argv[1], int(sys.argv[2])
    os.environ["TACHOGRAPH_EVALUATORS_JUDGE_SMALL_MODEL"] = "true" if way == "full" else "false"
    # Deferred: the evaluators read the variable when they are made.
    from tachograph_evaluators import heap
    from tachograph_evaluators.evaluator import ERROR
    from tachograph_evaluators.judges.models import encoder
    from tachograph_evaluators.registry import installed
    from tachograph_evaluators.suite import judge_batch

    heap.keep_small()  # as a worker's scoring process does
    evaluators = list(installed().values())
    for evaluator in evaluators:
        evaluator.warm_up()
    heap.trim()
    if way == "plain":
        make_plain(encoder())
    batch = 1 if way == "plain" else BATCH
    judge_batch(evaluators, made(batch, seed=1))
    answers = made(count, seed=2)
    started_s, cpu_s = time.perf_counter(), time.process_time()
    failed = 0
    for start in range(0, count, batch):
        for found in judge_batch(evaluators, answers[start : start + batch]):
            failed += sum(score.label == ERROR for scores in found for score in scores)
    seconds, cpu_seconds = time.perf_counter() - started_s, time.process_time() - cpu_s
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps(
            {
                "way": way,
                "answers": count,
                "answers_per_s": count / seconds,
                "cpu_s_per_answer": cpu_seconds / count,
                "rss_mb": peak_kib / 1024,
                "failed": failed,
                "device": encoder().device,
                "evaluators": [evaluator.name for evaluator in evaluators],
            }
        )
    )
    return 1 if failed else 0


def make_plain(encoder: Any) -> None:
    """The encoder as most would write it: padded, float32, each answer's texts in one call."""
    from tachograph_evaluators.judges.hub_model import HubModel
    from tachograph_evaluators.judges.models import bundled_folder

    plain = HubModel(str(bundled_folder()), encoder.device, is_local=True)
    plain.model.float()

    def encode(texts: Sequence[str]) -> Any:
        return plain.model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)

    encoder._model.encode = encode


if __name__ == "__main__":
    raise SystemExit(main())
