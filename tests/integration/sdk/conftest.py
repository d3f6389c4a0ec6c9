"""Receivers, deliveries and spans for the tests of this folder."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import openai
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

import tachograph
from tachograph._internal.delivery import Delivery, DeliveryOptions
from tachograph._internal.errors import raise_in_tests
from tachograph.testing import ReceivedSpan, Receiver
from tachograph.testing.pytest_plugin import tachograph_receiver

from .openai_server import OpenAIServer, openai_server

__all__ = ["tachograph_receiver"]  # pytest takes `pytest_plugins` from the root conftest only

FAST = DeliveryOptions(
    first_delay_s=0.01,
    delay_s=0.02,
    backoff_initial_s=0.02,
    backoff_max_s=0.1,
    request_timeout_s=30.0,
)
"""The defaults with short waits, so that tests of many failures end soon."""


def eventually(condition: Callable[[], bool], timeout_s: float = 120.0) -> bool:
    """Poll until `condition()` holds; False when it did not within `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


DeliveryMaker = Callable[..., Delivery]
SpanMaker = Callable[[int], list[ReadableSpan]]


@pytest.fixture(autouse=True)
def internal_errors_show() -> Iterator[None]:
    """Nothing that the SDK would swallow goes unseen."""
    former = raise_in_tests(True)
    yield
    raise_in_tests(former)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def make_delivery() -> Iterator[DeliveryMaker]:
    """Makes deliveries with short waits; `make(endpoint, max_records=…)`."""
    made: list[Delivery] = []

    def make(endpoint: str, api_key: str | None = None, **options: object) -> Delivery:
        delivery = Delivery(
            endpoint=endpoint,
            api_key=api_key,
            resource=Resource({"service.name": "test"}),
            options=replace(FAST, **options),  # type: ignore[arg-type]
        )
        made.append(delivery)
        return delivery

    yield make
    for delivery in made:
        delivery.shutdown(0.0)


@pytest.fixture
def make_spans() -> SpanMaker:
    """Ended spans named 0, 1, 2, …"""
    tracer = TracerProvider(resource=Resource({"service.name": "test"})).get_tracer("test")

    def make(count: int) -> list[ReadableSpan]:
        ended: list[ReadableSpan] = []
        for number in range(count):
            span = tracer.start_span(str(number))
            span.end()
            assert isinstance(span, ReadableSpan)
            ended.append(span)
        return ended

    return make


@pytest.fixture
def engine() -> Iterator[OpenAIServer]:
    """A server that speaks OpenAI's protocol."""
    with openai_server() as running:
        yield running


@pytest.fixture
def client(engine: OpenAIServer) -> Iterator[openai.OpenAI]:
    """The real client, wrapped."""
    with openai.OpenAI(base_url=engine.url, api_key="sk-app", max_retries=0) as made:
        yield tachograph.wrap(made)


def only_span(receiver: Receiver) -> ReceivedSpan:
    """The one span that came."""
    assert tachograph.flush(10)
    (span,) = receiver.spans
    return span
