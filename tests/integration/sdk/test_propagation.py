"""Trace and context across processes: headers, another service, Celery tasks."""

import signal
from pathlib import Path

import pytest
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import tachograph
from tachograph.propagation import extract, inject
from tachograph.testing import Receiver, recording

from .conftest import eventually
from .test_ends import start, write

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_what_is_injected_comes_out_again(tachograph_receiver: Receiver) -> None:
    with (
        tachograph.context(tenant="acme, inc", user="ädä", session="s;1", variant="50%"),
        tachograph.span("outer"),
    ):
        headers = inject({"baggage": "other=1"})
    with extract(headers), tachograph.span("inner"):
        pass
    assert tachograph.flush(10)
    outer, inner = tachograph_receiver.spans
    assert (inner.trace_id, inner.parent_span_id) == (outer.trace_id, outer.span_id)
    for name in ("tachograph.tenant", "user.id", "session.id", "tachograph.variant"):
        assert inner.attributes[name] == outer.attributes[name]
    assert headers["baggage"].startswith("other=1,")


def test_the_headers_are_the_ones_that_opentelemetry_reads(tachograph_receiver: Receiver) -> None:
    with tachograph.context(tenant="acme & sons + co"), tachograph.span("s"):
        headers = inject()
        ids = tachograph.current_ids()
    context = TraceContextTextMapPropagator().extract(headers)
    context = W3CBaggagePropagator().extract(headers, context)
    theirs = TracerProvider().get_tracer("t").start_span("s", context=context)
    assert ids is not None
    assert f"{theirs.get_span_context().trace_id:032x}" == ids.trace_id
    again: dict[str, str] = {}
    W3CBaggagePropagator().inject(again, context)
    with extract(again), tachograph.span("t"):
        pass
    assert tachograph.flush(10)
    assert tachograph_receiver.spans[-1].attributes["tachograph.tenant"] == "acme & sons + co"


@pytest.mark.parametrize(
    "carrier",
    [
        {"traceparent": PARENT},
        {"TraceParent": PARENT},
        {"HTTP_TRACEPARENT": PARENT, "wsgi.input": object()},
        [(b"host", b"x"), (b"traceparent", PARENT.encode())],
    ],
)
def test_every_kind_of_carrier(tachograph_receiver: Receiver, carrier: object) -> None:
    with extract(carrier), tachograph.span("s"):  # type: ignore[arg-type]
        pass
    assert tachograph.flush(10)
    (span,) = tachograph_receiver.spans
    assert span.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert span.parent_span_id == "b7ad6b7169203331"


@pytest.mark.parametrize(
    "carrier",
    [
        {},
        {"traceparent": "00-" + "0" * 32 + "-b7ad6b7169203331-01"},
        {"traceparent": "ff" + PARENT[2:]},
        {"traceparent": "nonsense", "baggage": "=,;=;,tachograph.tenant"},
        {"baggage": "tachograph.tenant=" + "x" * 9000},
        {"traceparent": None, 5: 6},
    ],
)
def test_nonsense_is_passed_over(tachograph_receiver: Receiver, carrier: object) -> None:
    with extract(carrier), tachograph.span("s"):  # type: ignore[arg-type]
        pass
    assert tachograph.flush(10)
    (span,) = tachograph_receiver.spans
    assert span.parent_span_id == ""
    assert "tachograph.tenant" not in span.attributes


def test_capture_can_only_be_lowered_from_outside(tachograph_receiver: Receiver) -> None:
    with extract({"baggage": "tachograph.content.capture=off,user.id=ada"}):
        headers = inject()
        with tachograph.generation("m") as g:
            g.messages = "secret"
    with (
        tachograph.context(capture="metadata"),
        extract({"baggage": "tachograph.content.capture=full"}),
        tachograph.generation("m") as g,
    ):
        g.messages = "secret"
    assert tachograph.flush(10)
    first, second = tachograph_receiver.spans
    assert first.attributes["tachograph.content.capture"] == "off"
    assert "user.id" not in first.attributes and "ada" not in headers["baggage"]
    assert second.attributes["tachograph.content.capture"] == "metadata"


def test_with_a_shared_provider_other_peoples_spans_continue_too() -> None:
    provider = TracerProvider()
    with recording(provider=provider) as receiver:
        with (
            extract({"traceparent": PARENT}),
            provider.get_tracer("t").start_as_current_span("theirs"),
            tachograph.span("ours"),
        ):
            headers = inject()
        assert tachograph.flush(10)
    ours, theirs = receiver.spans
    assert theirs.parent_span_id == "b7ad6b7169203331"
    assert ours.parent_span_id == theirs.span_id
    assert headers["traceparent"].split("-")[2] == ours.span_id


def test_a_serverless_function_exports_although_its_parent_is_elsewhere() -> None:
    delays = tachograph.types.DeliveryOptions(first_delay_s=3600.0, delay_s=3600.0)
    with recording(serverless=True, delivery=delays) as receiver:
        with extract({"traceparent": PARENT}), tachograph.span("outer"), tachograph.span("inner"):
            pass
        assert [span.name for span in receiver.spans] == ["inner", "outer"]


def test_through_a_service_and_a_celery_task(receiver: Receiver, tmp_path: Path) -> None:
    """Three processes: this one's child asks a web service, which sends a task to a worker."""
    for folder in ("queue", "processed"):
        (tmp_path / folder).mkdir()
    write(
        tmp_path,
        "tasks.py",
        """
        import os, pathlib, celery, tachograph
        from tachograph import propagation
        app = celery.Celery("tasks", broker="filesystem://")
        app.conf.update(
            broker_transport_options={"data_folder_in": "queue", "data_folder_out": "queue",
                "processed_folder": "processed", "polling_interval": 0.02},
            task_ignore_result=True, worker_hijack_root_logger=False)
        tachograph.init(endpoint=os.environ["RECEIVER"], service_name=os.environ["SERVICE"])
        propagation.connect_celery()

        @app.task
        def judge(fails):
            with tachograph.span("judging"):
                if fails:
                    raise LookupError("no judge")
        """,
    )
    write(
        tmp_path,
        "service.py",
        """
        import http.server, tachograph, tasks
        from tachograph.propagation import extract

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                with extract(self.headers), tachograph.span("serving"):
                    tasks.judge.delay(False)
                    tasks.judge.delay(True)
                self.send_response(204)
                self.end_headers()

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        print(server.server_port, flush=True)
        server.handle_request()
        """,
    )
    write(
        tmp_path,
        "caller.py",
        """
        import os, sys, urllib.request, tachograph
        from tachograph.propagation import inject
        tachograph.init(endpoint=os.environ["RECEIVER"], service_name="caller")
        with tachograph.context(tenant="acme", session="s-1"), tachograph.span("asking"):
            url = f"http://127.0.0.1:{sys.argv[1]}/"
            urllib.request.urlopen(urllib.request.Request(url, headers=inject())).read()
        """,
    )
    environment = {"RECEIVER": receiver.endpoint}
    with start("service.py", cwd=tmp_path, **environment, SERVICE="service") as service:
        assert service.stdout is not None
        port = service.stdout.readline().strip()
        with start("caller.py", port, cwd=tmp_path, **environment) as caller:
            assert caller.wait(180) == 0
        assert service.wait(180) == 0
    options = ("--pool", "threads", "--concurrency", "1", "--loglevel", "CRITICAL")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    command = ("-m", "celery", "-A", "tasks", "worker", *options, *quiet)
    with start(*command, cwd=tmp_path, **environment, SERVICE="worker") as worker:
        try:
            assert eventually(lambda: len(receiver.spans) == 6, 300), receiver.spans
        finally:
            worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=300)
    by_service = {span.resource["service.name"]: span for span in receiver.spans}
    assert set(by_service) == {"caller", "service", "worker"}
    assert len({span.trace_id for span in receiver.spans}) == 1
    for span in receiver.spans:
        assert span.attributes["tachograph.tenant"] == "acme"
        assert span.attributes["session.id"] == "s-1"
    tasks = [span for span in receiver.spans if span.name == "task tasks.judge"]
    serving = by_service["service"]
    assert [task.parent_span_id for task in tasks] == [serving.span_id] * 2
    failures = [task.attributes.get("error.type") for task in tasks]
    assert sorted(failures, key=str) == ["LookupError", None]
