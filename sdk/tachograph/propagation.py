"""Carry a trace, and who it is for, to other services and to Celery tasks.

    requests.post(url, headers=inject())    # the calling service

    with extract(request.headers):          # the called one
        answer(question)

    connect_celery()                        # in the sender and in the worker's module

Two W3C headers: `traceparent`, and `baggage` with tenant, user, session, variant and a lowered
capture mode, as `tachograph.context` has set them. Both are for services of one's own: the receiver
believes them, and whoever is on the way can read them. Nothing here raises into the application.
"""

from tachograph._internal.celery_tasks import connect_celery
from tachograph._internal.propagation import extract, inject

__all__ = ["connect_celery", "extract", "inject"]
