"""CPU of a row's way through the journal, by encoding: `python tests/benchmarks/journal/encodings.py`.

5,000 chat spans with 2.5 kB of distinct words. The last line is JSON: microseconds of CPU per row.
"""

import json
import random
import secrets
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any
from zlib import crc32

from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.insert import InsertContext
from clickhouse_connect.driver.transform import NativeTransform

from tachograph_collector.journal.codec import Draft, columns_of, pack, unpack
from tachograph_store.columns import read_columns
from tachograph_store.rows import SpanRow

ROWS = 5_000
_WORDS = [secrets.token_hex(3) for _ in range(5_000)]


def span(index: int) -> SpanRow:
    """A chat span of the usual size."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    return SpanRow(
        project="default", trace_id=secrets.token_hex(16), span_id=secrets.token_hex(8),
        start_time=time.time_ns(), duration_ns=10**9, name="chat m", service_name="shop",
        operation="chat", provider="openai", request_model="gpt-4o", input_tokens=1000,
        output_tokens=100, list_cost=Decimal("0.0035"), cost_currency="USD", tenant="acme",
        user=f"u{index}", prompt=" ".join(random.choices(_WORDS, k=214)),
        completion=" ".join(random.choices(_WORDS, k=143)),
        attributes={f"a{k}": f"v{index}" for k in range(6)},
        resource_attributes={"service.version": "1", "host.name": "h"},
        stored_at=datetime.now(UTC), content_hash=secrets.randbits(63), expires_on=tomorrow,
        content_expires_on=tomorrow,
    )  # fmt: skip


def cpu_us(run: Callable[[], object]) -> float:
    """Microseconds of CPU per row, the best of three."""
    best = float("inf")
    for _ in range(3):
        begin = time.process_time()
        run()
        best = min(best, time.process_time() - begin)
    return round(best / ROWS * 1e6, 2)


def main() -> None:
    """Print the table."""
    # Deferred: the types are asked of a running store.
    from tachograph_store.client import connect

    with connect() as store:
        table = read_columns(store, "spans")
    types = [get_from_name(name) for name in table.types]
    rows = [span(index) for index in range(ROWS)]

    def native(part: list[SpanRow]) -> bytes:
        values: Any = list(zip(*map(attrgetter(*table.names), part), strict=True))
        context = InsertContext(
            "spans", list(table.names), types, data=values, column_oriented=True
        )
        return b"".join(bytes(piece) for piece in NativeTransform().build_insert(context))

    def packed(part: list[SpanRow]) -> Any:
        return pack(Draft("p", "spans", Counter(shop=len(part)), tables={"spans": part}))

    whole = packed(rows)
    names, arrays = unpack(whole.meta, whole.payload).tables["spans"]
    figures = {
        "json_write": cpu_us(lambda: packed(rows)),
        "json_write_one_row_records": cpu_us(lambda: [packed([row]) for row in rows]),
        "crc32": cpu_us(lambda: crc32(whole.payload)),
        "json_read": cpu_us(lambda: unpack(whole.meta, whole.payload)),
        "columns": cpu_us(lambda: columns_of("spans", names, arrays)),
        "native_5000": cpu_us(lambda: native(rows)),
        "native_blocks_of_100": cpu_us(
            lambda: [native(rows[i : i + 100]) for i in range(0, ROWS, 100)]
        ),
        "native_blocks_of_1": cpu_us(lambda: [native([row]) for row in rows]),
    }
    for name, figure in figures.items():
        print(f"{name:30}{figure:10.2f} µs/row")
    print(json.dumps({"bench": "journal_encodings", "rows": ROWS, "cpu_us_per_row": figures}))


if __name__ == "__main__":
    main()
