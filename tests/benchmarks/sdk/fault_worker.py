"""One application process: requests at a pace, each does some work, waits a little and records a
generation. `fault_worker.py ENDPOINT PLAN`; prints the latency of every whole request."""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.benchmarks.sdk.adapters import tachograph_adapter as adapter
from tests.benchmarks.sdk.worker import texts

_PER_SECOND = 250.0
_WAIT_S = 0.001
_WARM_UP = 50

if __name__ == "__main__":
    endpoint, plan_text = sys.argv[1:]
    plan = json.loads(plan_text)
    adapter.start(endpoint, plan["max_queue"])
    prompts, answers = texts(1), texts(2)
    took = []
    started_at = time.monotonic()
    for number in range(plan["requests"]):
        wait_s = started_at + number / _PER_SECOND - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        before = time.perf_counter_ns()
        json.loads(json.dumps([prompts[number % 256]] * 4))
        time.sleep(_WAIT_S)
        adapter.call(number, prompts[number % 256], answers[number % 256])
        if number >= _WARM_UP:
            took.append(time.perf_counter_ns() - before)
    delivery = adapter.tachograph._internal.client.current_client().delivery
    adapter.tachograph.shutdown(0.5)
    counts = delivery.counts()
    print(
        json.dumps(
            {
                "requests": plan["requests"],
                "request_ns": took,
                "sent": counts.submitted["spans"],
                "delivered": counts.delivered["spans"],
                "dropped": counts.dropped_total("spans"),
                "reasons": {reason: n for (_, reason), n in counts.dropped.items()},
            }
        )
    )
