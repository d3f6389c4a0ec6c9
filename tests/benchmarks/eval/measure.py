"""One way of judging, in processes of its own: its rate and its largest memory, as JSON.

    python -m tests.benchmarks.eval.measure light|full|plain ANSWERS [PROCESSES]

`light` is the whole default suite without the small language model, `full` with it, `plain` the
light suite with one `encode` call of sentence-transformers an answer, torch float32. Models are
loaded and warm before the clock starts; every text is new to the caches. With several processes,
as `tachograph worker --concurrency` has them, each judges as many answers, all at once.
"""

import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final

from tests.benchmarks.eval.answers import made

BATCH: Final = 32
_SPAWN: Final = multiprocessing.get_context("spawn")  # CUDA does not survive a fork
_START_S: Final = 300.0


def main() -> int:
    """Print the figures."""
    way, count = sys.argv[1], int(sys.argv[2])
    processes = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    found = [judged(way, count)] if processes == 1 else _at_once(way, count, processes)
    began_s, ended_s = min(one["began_s"] for one in found), max(one["ended_s"] for one in found)
    answers = count * processes
    print(
        json.dumps(
            {
                "way": way,
                "answers": answers,
                "answers_per_s": answers / (ended_s - began_s),
                "cpu_s_per_answer": sum(one["cpu_s"] for one in found) / answers,
                "rss_mb": max(one["rss_mb"] for one in found),
                "failed": sum(one["failed"] for one in found),
                "device": found[0]["device"],
                "evaluators": found[0]["evaluators"],
            }
        )
    )
    return 1 if any(one["failed"] for one in found) else 0


def _at_once(way: str, count: int, processes: int) -> list[dict[str, Any]]:
    barrier = _SPAWN.Barrier(processes)
    with ProcessPoolExecutor(processes, _SPAWN, _share, (barrier,)) as pool:
        # One that dies breaks the pool, and with it this; one that fails ends the others' waiting.
        return list(pool.map(_judged_with_others, [way] * processes, [count] * processes,
                             range(2, 2 + processes)))  # fmt: skip


_barrier: Any = None


def _share(barrier: Any) -> None:
    global _barrier
    _barrier = barrier


def _judged_with_others(way: str, count: int, seed: int) -> dict[str, Any]:
    try:
        return judged(way, count, seed, lambda: _barrier.wait(_START_S))
    except BaseException:
        _barrier.abort()
        raise


def judged(
    way: str, count: int, seed: int = 2, start: Callable[[], object] = lambda: None
) -> dict[str, Any]:
    """What this process took; it calls `start` when it is warm, just before the clock."""
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
    answers = made(count, seed=seed)
    start()
    began_s, cpu_s = time.perf_counter(), time.process_time()
    failed = 0
    for first in range(0, count, batch):
        for found in judge_batch(evaluators, answers[first : first + batch]):
            failed += sum(score.label == ERROR for scores in found for score in scores)
    return {
        "began_s": began_s,  # of a clock that all processes share
        "ended_s": time.perf_counter(),
        "cpu_s": time.process_time() - cpu_s,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "failed": failed,
        "device": encoder().device,
        "evaluators": [evaluator.name for evaluator in evaluators],
    }


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
