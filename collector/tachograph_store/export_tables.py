"""What an export takes from each table, and how it reads it in pieces."""

from dataclasses import dataclass, fields
from typing import Final

from tachograph_store.rows import TABLES

PARTS: Final = {
    "spans": ("spans",),
    "scores": ("scores",),
    "readings": ("gpu_readings", "engine_readings"),
    "rollups": ("rollups",),
}
"""What can be asked for, and the tables behind it."""

OWN_COLUMNS: Final = frozenset(
    {"version", "stored_at", "is_deleted", "booked_by", "booked_block", "booked_source"}
)
"""Set by the store that a row is written to: they stay behind."""


@dataclass(frozen=True, slots=True)
class ExportTable:
    """How a table is read: by time, and within a minute by a hash of its key."""

    name: str
    time: str
    key: tuple[str, ...]
    """With the time, what tells rows apart."""
    content: frozenset[str] = frozenset()
    """Columns in which people's words may stand."""
    condition: str = "1"

    def columns(self, *, with_content: bool) -> list[str]:
        """The exported columns, in the order of the row contract."""
        names = [field.name for field in fields(TABLES[self.name])]
        left_out = OWN_COLUMNS if with_content else OWN_COLUMNS | self.content
        return [name for name in names if name not in left_out]


EXPORT_TABLES: Final = {
    table.name: table
    for table in (
        ExportTable(
            "spans",
            "start_time",
            ("trace_id", "span_id"),
            frozenset(
                {
                    "prompt",
                    "completion",
                    "context",
                    "status_message",
                    "attributes",
                    "event_attributes",
                }
            ),
            "toUInt16(expires_on) > 10957",  # days before 2000 mark what is about to be forgotten
        ),
        ExportTable(
            "scores",
            "span_time",
            ("trace_id", "span_id", "evaluator", "evaluator_version", "name", "author"),
            frozenset({"explanation", "offsets"}),
        ),
        ExportTable("gpu_readings", "time", ("gpu_id",)),
        ExportTable("engine_readings", "time", ("name", "instance", "labels_hash")),
        ExportTable(
            "rollups",
            "period_start",
            ("period_s", "grouping", "model", "tenant", "variant", "operation", "currency"),
        ),
    )
}
