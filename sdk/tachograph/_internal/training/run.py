"""One training run: a trace of its windows of steps, and metrics."""

import math
import time
from collections.abc import Mapping
from typing import Final

from tachograph._internal.client import current_client
from tachograph._internal.delivery import AttributeValue, MetricPoint
from tachograph._internal.interruption import INTERRUPTED
from tachograph._internal.spans import Span
from tachograph._internal.training.gpus import TrainingGpus
from tachograph.semconv import attributes, metrics
from tachograph.semconv.values import CostSource

_LOGGED: Final[Mapping[str, tuple[str, str]]] = {
    "loss": (attributes.TRAINING_LOSS, metrics.TRAINING_LOSS),
    "learning_rate": (attributes.TRAINING_LEARNING_RATE, metrics.TRAINING_LEARNING_RATE),
    "grad_norm": (attributes.TRAINING_GRADIENT_NORM, metrics.TRAINING_GRADIENT_NORM),
    "eval_loss": (attributes.TRAINING_EVALUATION_LOSS, metrics.TRAINING_EVALUATION_LOSS),
}
"""What a Trainer logs -> attribute and metric."""

_SECONDS_PER_HOUR: Final = 3600.0


class TrainingRun:
    """A run while it goes on. The trace is a root span, below it a span for each window of steps
    between two log lines and for each evaluation."""

    def __init__(
        self, model: str, gpus: TrainingGpus | None, facts: Mapping[str, AttributeValue]
    ) -> None:
        self._gpus = gpus
        self._root = Span(f"train {model}")
        self._root._facts[attributes.OPERATION_NAME] = "train"
        self._root._facts[attributes.REQUEST_MODEL] = model
        self._root._facts.update(facts)
        self._root._start()
        self._labels: dict[str, AttributeValue] = {attributes.REQUEST_MODEL: model}
        if self._root.ids is not None:
            self._labels[attributes.TRAINING_RUN] = self._root.ids.trace_id
        self._window: Span | None = None
        self._window_began_at = 0.0
        self._window_tokens = 0
        self._evaluation: Span | None = None
        self._tokens = 0
        self._began_at = time.perf_counter()
        self._began_at_ns = time.time_ns()

    def begin_step(self) -> None:
        """A step begins; the first after a log line opens the next window."""
        if self._window is None:
            self._window = self._child("steps")
            self._window_began_at = time.perf_counter()
            self._window_tokens = self._tokens

    def end_step(self) -> None:
        """A step is done: time to look at the GPUs, once a second."""
        if self._gpus is not None:
            self._submit(self._gpus.points())

    def count_tokens(self, count: int) -> None:
        """Tokens that a forward pass was given, padding included, all processes together."""
        self._tokens += count

    def log(self, step: int, epoch: float | None, logged: Mapping[str, object]) -> None:
        """What the Trainer logs: of a window of steps, or of an evaluation."""
        found = {
            name: float(value)
            for name, value in logged.items()
            if name in _LOGGED and isinstance(value, int | float) and math.isfinite(value)
        }
        is_evaluation = "eval_loss" in found
        facts: dict[str, AttributeValue] = {attributes.TRAINING_STEP: step}
        readings = {metrics.TRAINING_STEP: float(step)}
        if epoch is not None:
            facts[attributes.TRAINING_EPOCH] = readings[metrics.TRAINING_EPOCH] = float(epoch)
        for name, value in found.items():
            attribute, metric = _LOGGED[name]
            facts[attribute] = readings[metric] = value
        if "loss" in found:
            self._add_throughput(facts, readings)
            self._end_child(self._window, facts)
            self._window = None
        elif is_evaluation:
            self._end_child(self._evaluation or self._child("evaluate"), facts)
            self._evaluation = None
        else:
            return
        self._submit_readings(readings)

    def begin_evaluation(self) -> None:
        """A batch of an evaluation is done; the first one opens its span."""
        if self._evaluation is None:
            self._evaluation = self._child("evaluate")

    def end(self, step: int, *, gpu_hour_price: float | None = None, currency: str = "USD") -> None:
        """The run is over."""
        duration_s = time.perf_counter() - self._began_at
        self._end_child(self._window, {})
        self._end_child(self._evaluation, {})
        facts = self._root._facts
        facts[attributes.TRAINING_STEP] = step
        if self._tokens:
            facts[attributes.TRAINING_TOKENS] = self._tokens
            facts[attributes.TRAINING_TOKENS_PER_SECOND] = self._tokens / duration_s
        used = facts.get(attributes.TRAINING_GPU_COUNT)
        if isinstance(used, int) and used > 0:
            facts[attributes.GPU_SECONDS] = duration_s * used
            if gpu_hour_price is not None:
                facts[attributes.USAGE_COST_AMOUNT] = (
                    duration_s * used * gpu_hour_price / _SECONDS_PER_HOUR
                )
                facts[attributes.USAGE_COST_CURRENCY] = currency
                facts[attributes.USAGE_COST_SOURCE] = CostSource.LOCAL
        if self._gpus is not None:
            self._submit(self._gpus.points(is_due_now=True))
            energy_j = self._gpus.energy_j()
            if energy_j is not None and self._gpus.count == used:  # else only a part of them
                facts[attributes.ENERGY] = energy_j
                facts[attributes.ATTRIBUTION_METHOD] = "device_counter"
            self._gpus.close()
        self._root._end()

    def abandon(self) -> None:
        """The run ended without saying so: by an error, or by the start of another."""
        for span in (self._window, self._evaluation, self._root):
            if span is not None:
                span._fail(INTERRUPTED)
                span._end()
        if self._gpus is not None:
            self._gpus.close()

    def _child(self, name: str) -> Span:
        span = Span(name)
        with self._root._active():
            span._start()
        return span

    def _end_child(self, span: Span | None, facts: Mapping[str, AttributeValue]) -> None:
        if span is not None:
            span._facts.update(facts)
            span._end()

    def _add_throughput(self, facts: dict[str, AttributeValue], readings: dict[str, float]) -> None:
        tokens = self._tokens - self._window_tokens
        duration_s = time.perf_counter() - self._window_began_at
        if self._window is not None and tokens and duration_s > 0:
            facts[attributes.TRAINING_TOKENS] = tokens
            facts[attributes.TRAINING_TOKENS_PER_SECOND] = tokens / duration_s
            readings[metrics.TRAINING_TOKENS_PER_SECOND] = tokens / duration_s

    def _submit_readings(self, readings: Mapping[str, float]) -> None:
        now = time.time_ns()
        points = [
            MetricPoint(
                name=name,
                unit=metrics.TRAINING_UNITS[name],
                kind="gauge",
                value=value,
                time_unix_nano=now,
                attributes=self._labels,
            )
            for name, value in readings.items()
        ]
        if self._tokens:
            points.append(
                MetricPoint(
                    name=metrics.TRAINING_TOKENS,
                    unit="{token}",
                    kind="counter",
                    value=self._tokens,
                    time_unix_nano=now,
                    start_time_unix_nano=self._began_at_ns,
                    attributes=self._labels,
                )
            )
        self._submit(points)

    def _submit(self, points: list[MetricPoint]) -> None:
        client = current_client()
        if client is not None and points:
            client.delivery.submit_metrics(points)
