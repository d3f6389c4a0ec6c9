"""The card that says why a request took so long."""

import html
from datetime import UTC, datetime, timedelta

from tests.fixtures.seed import nanoseconds
from tests.integration.dashboard.conftest import OpenPage

from tachograph_store.queries.slow_causes import SAID
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer


def test_each_cause_is_named_when_somebody_asks(
    project: str, writer: Writer, open_page: OpenPage
) -> None:
    now = datetime.now(UTC)
    later = now + timedelta(days=1)
    call = SpanRow(
        project=project,
        trace_id=f"{7:032x}",
        span_id=f"{7:016x}",
        start_time=nanoseconds(now - timedelta(minutes=1)),
        duration_ns=10_000_000_000,
        name="chat m",
        operation="chat",
        service_name="sidecar",
        service_instance_id="engine-1",
        observer="proxy",
        is_counted=True,
        prefill_s=0.5,
        decode_s=0.5,
        attributes={
            "tachograph.proxy.queue_time": "6.0",
            "tachograph.proxy.client_wait_time": "3.0",
        },
        content_hash=7,
        expires_on=later.date(),
        content_expires_on=later.date(),
    )
    writer.write_spans([call])
    page = open_page("traces", trace=call.trace_id)

    def causes() -> list[str]:
        blocks = [str(block.proto.body) for block in page.get("html")]
        lines = [line for block in blocks for line in block.split("■</span> ")[1:]]
        return [html.unescape(line.split("</div>")[0]) for line in lines]

    assert causes() == []
    page.toggle(key="slow-causes").set_value(True).run()
    assert not page.exception
    assert causes() == [
        f"60 % · 6 s · {SAID['admission_queue']}",
        f"30 % · 3 s · {SAID['slow_client']}",
        f"5 % · 500 ms · {SAID['own_prompt']}",
        f"5 % · 500 ms · {SAID['own_answer']}",
    ]
