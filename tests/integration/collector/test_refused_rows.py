"""A row that the engine refuses for its content goes alone, and the books say so."""

import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tachograph_collector.books import Books
from tachograph_collector.span_writer import SpanWriter
from tachograph_store.client import Store
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer


def _row(project: str, service: str) -> SpanRow:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    return SpanRow(
        project=project,
        trace_id=secrets.token_hex(16),
        span_id=secrets.token_hex(8),
        start_time=time.time_ns(),
        duration_ns=1,
        name="n",
        service_name=service,
        content_hash=secrets.randbits(60),
        expires_on=tomorrow,
        content_expires_on=tomorrow,
    )


def test_neighbours_of_a_refused_row_are_stored_and_counted_by_sender(
    writer_store: Store, reader_store: Store, project: str
) -> None:
    books = Books(retention_days=1)
    good = [_row(project, service) for service in ("a", "a", "b")]
    bad = replace(_row(project, "a"), chunk_count=2**40)
    writer = SpanWriter(Writer(writer_store), books)
    assert writer.write([good[0], bad, good[2], good[1]]) == [True, False, True, True]
    assert writer.write([good[0], replace(good[2], content_hash=1)]) == [True, True]
    counted = reader_store.query(
        "SELECT count() AS n FROM spans WHERE project = {project:String}", {"project": project}
    )
    assert counted[0]["n"] == 3
    fates = {(a.source, a.outcome, a.reason): n for a, n in books.totals().items()}
    assert fates == {
        ("a", "received", ""): 3,
        ("a", "accepted", ""): 3,
        ("a", "stored", ""): 2,
        ("a", "duplicate", ""): 1,
        ("b", "received", ""): 2,
        ("b", "accepted", ""): 2,
        ("b", "stored", ""): 1,
        ("b", "duplicate", "correction"): 1,
    }
