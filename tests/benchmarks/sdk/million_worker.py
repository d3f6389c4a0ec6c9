"""One process that records very many generations: `million_worker.py ENDPOINT PLAN`."""

import json
import sys
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.benchmarks.sdk.adapters import tachograph_adapter as adapter
from tests.benchmarks.sdk.worker import texts

if __name__ == "__main__":
    endpoint, plan_text = sys.argv[1:]
    plan = json.loads(plan_text)
    adapter.start(endpoint, plan["max_queue"])
    prompts, answers = texts(1), texts(2)
    process = psutil.Process()
    rss_mb = []
    for _ in range(plan["samples"]):
        for number in range(plan["calls"] // plan["samples"]):
            adapter.call(number, prompts[number % 256], answers[number % 256])
        rss_mb.append(process.memory_info().rss / 1e6)
    counts = adapter.tachograph.counts()
    print(
        json.dumps(
            {
                "calls": plan["calls"],
                "rss_mb": rss_mb,
                "sent": counts.submitted["spans"],
                "dropped": counts.dropped_total("spans"),
                "waiting": counts.waiting["spans"],
            }
        )
    )
