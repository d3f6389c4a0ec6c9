"""vLLM's steps, told to the sidecar as they happen: a plugin of `vllm.stat_logger_plugins`.

Imported by vLLM only, in its API server's process. Without TACHOGRAPH_STEPS_SOCKET it does nothing.
vLLM calls its statistics unstable, so each is read by name and left out where it is absent (tried
with 0.32.0). `--enable-logging-iteration-details` makes the prompt tokens of each step exact;
without it vLLM tells those of a prompt when its last piece was computed.
"""

import os
import time
from typing import Any, Final

from vllm.v1.metrics.loggers import StatLoggerBase  # type: ignore[import-not-found]

from tachograph._internal.engines.step_sender import StepSender

SOCKET_VARIABLE: Final = "TACHOGRAPH_STEPS_SOCKET"


class StepLogger(StatLoggerBase):  # type: ignore[misc]
    """Sends one message a step of one engine; nothing that fails here reaches vLLM."""

    def __init__(self, vllm_config: object, engine_index: int = 0) -> None:
        path = os.environ.get(SOCKET_VARIABLE)
        self._sender = StepSender(path) if path else None
        self._engine_index = engine_index
        self._number = 0

    def record(
        self, scheduler_stats: Any, iteration_stats: Any, *others: object, **named: object
    ) -> None:
        """Called by vLLM after each step, on the event loop that serves requests."""
        if self._sender is None or (scheduler_stats is None and iteration_stats is None):
            return
        try:
            self._sender.send(self._message(scheduler_stats, iteration_stats))
        except Exception:  # noqa: BLE001 - statistics of another shape must not stop the engine
            self._sender.dropped += 1
        self._number += 1

    def log_engine_initialized(self) -> None:
        """Nothing to say of that."""

    def _message(self, scheduler: Any, iteration: Any) -> dict[str, object]:
        details = getattr(scheduler, "iteration_details", None)
        message: dict[str, object] = {
            "engine": self._engine_index,
            "number": self._number,
            "at_ns": time.perf_counter_ns(),
            "running": getattr(scheduler, "num_running_reqs", None),
            "waiting": getattr(scheduler, "num_waiting_reqs", None),
            "kv_cache_ratio": getattr(scheduler, "kv_cache_usage", None),
            "generated_tokens": getattr(iteration, "num_generation_tokens", 0),
            "preemptions": getattr(iteration, "num_preempted_reqs", 0),
            "is_exact": details is not None,
        }
        if details is None:
            prompts = getattr(iteration, "prompt_token_stats", None)
            message["prefill_tokens"] = getattr(prompts, "computed", 0)
        else:
            message["prefill_tokens"] = details.num_ctx_tokens
            message["elapsed_ns"] = int(details.elapsed_ms * 1e6)
        return message
