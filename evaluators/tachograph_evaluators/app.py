"""The Celery app: broker by settings, three queues, JSON only, and the clock's entries.

The broker carries hints; the store is the truth. So nothing here needs a result backend, a
message may be lost at any time, and a hint expires instead of piling up.
"""

from typing import Any

from celery import Celery

from tachograph_evaluators import embedded_broker
from tachograph_evaluators.queues import ALERTS, PLANNING, SCORES, queue
from tachograph_evaluators.settings import EMBEDDED_BROKER, EvaluatorSettings
from tachograph_store.settings import home


def _broker(settings: EvaluatorSettings) -> dict[str, Any]:
    if not settings.broker_url.startswith(EMBEDDED_BROKER):
        return {"broker_url": settings.broker_url}
    folder = home() / "broker"
    embedded_broker.prepare_folder(folder)
    return {
        "broker_url": f"{EMBEDDED_BROKER}localhost//",
        "broker_transport": "tachograph_evaluators.embedded_broker:Transport",
        "broker_transport_options": embedded_broker.transport_options(folder, settings),
    }


def _schedule(settings: EvaluatorSettings) -> dict[str, Any]:
    def every(task: str, seconds: float, where: str) -> dict[str, Any]:
        options = {"queue": where, "expires": max(10.0, 2 * seconds)}
        return {"task": task, "schedule": seconds, "options": options}

    return {
        "plan": every("tachograph.plan", settings.plan_interval_s, PLANNING),
        "sweep": every("tachograph.sweep", settings.sweep_interval_s, PLANNING),
        "alerts": every("tachograph.alerts.evaluate", settings.alert_interval_s, ALERTS),
        "deliveries": every("tachograph.alerts.deliver", settings.delivery_interval_s, ALERTS),
    }


def make_app(settings: EvaluatorSettings) -> Celery:
    """The app as the settings want it."""
    celery = Celery("tachograph")
    celery.conf.update(
        **_broker(settings),
        include=["tachograph_evaluators.tasks", "tachograph_evaluators.alerts.tasks"],
        task_queues=[queue(SCORES), queue(PLANNING), queue(ALERTS)],
        task_default_queue=PLANNING,
        task_create_missing_queues=False,
        task_routes={
            "tachograph.score": {"queue": SCORES},
            "tachograph.alerts.*": {"queue": ALERTS},
        },
        task_serializer="json",
        result_serializer="json",
        event_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_acks_late=False,
        enable_utc=True,
        timezone="UTC",
        broker_connection_retry_on_startup=True,
        # A consumer that connects again after its broker was killed sometimes never reads from its
        # queue again (Celery 5.7 over Redis, about one time in three). A part that ends after the
        # task it runs, and is started again by its parent, always does.
        broker_connection_retry=False,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_redirect_stdouts=False,
        beat_schedule=_schedule(settings),
        beat_scheduler="tachograph_evaluators.clock:BoundedScheduler",
        beat_max_loop_interval=1.0,
    )
    return celery


settings = EvaluatorSettings()
app = make_app(settings)
