"""Celery: a task continues the trace of who sent it."""

from contextlib import ExitStack
from importlib import import_module
from typing import Any, Final

from tachograph._internal.errors import contained
from tachograph._internal.propagation import extract, inject
from tachograph._internal.spans import Span
from tachograph.semconv import attributes

_STATE: Final = "_tachograph_task"
_HEADERS: Final = ("traceparent", "baggage")


def connect_celery() -> None:
    """Carry trace and context to Celery tasks, and record each task as a span.

    Call it once in the process that sends and in the worker's module; before `init` it changes
    nothing. Raises ImportError where Celery is not installed.
    """
    signals = import_module("celery.signals")
    uid = "tachograph-{}"
    for signal, receiver in (
        (signals.before_task_publish, _before_publish),
        (signals.task_prerun, _before_run),
        (signals.task_failure, _failed),
        (signals.task_postrun, _after_run),
    ):
        signal.connect(receiver, weak=False, dispatch_uid=uid.format(receiver.__name__))


class _Task:
    """A task while it runs."""

    def __init__(self, name: str, headers: dict[str, Any]) -> None:
        self._stack = ExitStack()
        self._stack.enter_context(extract(headers))
        self.span = self._stack.enter_context(Span(name))

    def end(self) -> None:
        self._stack.close()


def _before_publish(headers: Any = None, **about: Any) -> None:
    if isinstance(headers, dict):
        inject(headers)


def _before_run(task_id: str = "", task: Any = None, **about: Any) -> None:
    with contained("beginning a task"):
        request = task.request
        found = {name: getattr(request, name, None) or "" for name in _HEADERS}
        running = _Task(f"task {task.name}", found)
        running.span.set(attributes.CELERY_TASK_ID, task_id)
        setattr(request, _STATE, running)


def _failed(sender: Any = None, exception: BaseException | None = None, **about: Any) -> None:
    with contained("recording a failed task"):
        running = getattr(sender.request, _STATE, None)
        if isinstance(running, _Task) and exception is not None:
            running.span.error(exception)


def _after_run(task: Any = None, **about: Any) -> None:
    with contained("ending a task"):
        running = getattr(task.request, _STATE, None)
        if isinstance(running, _Task):
            setattr(task.request, _STATE, None)
            running.end()
