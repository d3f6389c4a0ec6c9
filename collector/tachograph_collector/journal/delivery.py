"""A block on its way to the store: decided, sent, and what became of its records."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import starmap
from typing import Final

from tachograph_collector.books import CORRECTION, Account, Fates
from tachograph_collector.journal.bisect import CONTENT, Blaming, send_bisecting
from tachograph_collector.journal.block import Table
from tachograph_collector.journal.codec import Unpacked
from tachograph_collector.journal.folder import JournalFolder
from tachograph_collector.journal.probe import probe
from tachograph_collector.journal.quarantine import Quarantine
from tachograph_collector.journal.state import Intent, Position
from tachograph_collector.journal.turns import sole_sender
from tachograph_collector.scores import find_spans
from tachograph_store import span_plan
from tachograph_store.client import Store
from tachograph_store.errors import QueryRefused
from tachograph_store.identities import SpanKey
from tachograph_store.row_plan import has_plan, plan_rows
from tachograph_store.span_plan import SpanPlan
from tachograph_store.writer import PackedColumns, Writer

REFUSED: Final = "refused"
"""Reason of quarantined rows that the engine does not take."""
NOT_KEPT: Final = "refused_not_kept"
"""The same, when the quarantine had no room for them."""
METRICS: Final = "metrics"
"""The signal whose records are not rows: a row takes one data point or more."""
_INSERT_S: Final = 30.0
"""How long an insert by a process that died is waited for."""
_OUTCOMES: Final[Mapping[str, tuple[str, str]]] = {
    span_plan.STORED: ("stored", ""),
    span_plan.DUPLICATE: ("duplicate", ""),
    span_plan.CORRECTION: ("duplicate", CORRECTION),
    span_plan.SUPERSEDED: ("duplicate", CORRECTION),
    span_plan.REFUSED: ("quarantined", REFUSED),
    span_plan.FORGOTTEN: ("stored", ""),
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """Sends the blocks of one journal."""

    folder: JournalFolder
    writer: Writer
    reader: Store
    quarantine: Quarantine

    def deliver(
        self,
        books: str,
        name: str,
        block: int,
        end: Position,
        records: Sequence[Unpacked],
        tables: Mapping[str, Table],
        begun: Intent | None,
        version_floor: int,
        blaming: Blaming = CONTENT,
    ) -> tuple[Fates, int]:
        """Store what is not stored yet; fates of all records, and the version of the rows.

        `begun` is what an earlier attempt decided: carried on, it stores nothing twice and gives
        the same fates. `blaming` are the errors taken for a row's fault. Raises `StoreError`; then nothing is known, and the block comes again.
        """
        if blaming is not CONTENT:
            for table in tables:
                probe(self.writer, table)
        fates = Fates()
        for record in records:
            if record.signal == METRICS:
                for source, count in record.accepted.items():
                    fates.drained(Account(record.project, source, METRICS, "stored"), count)
        spans = tables.get("spans")
        keys: list[SpanKey] = []
        packed: PackedColumns = {}
        if spans is not None:
            # Before the spans are held: other processes may wait for some of them.
            _book(records, spans, books, block)
            keys = _keys(spans)
            packed = self.writer.pack_spans(spans.columns)
        with sole_sender(
            self.folder.path,
            [key.span_id for key in keys],
            lambda: self.writer.await_inserts(_INSERT_S),
            _INSERT_S,
        ):
            if begun is None or len(begun.fates) != len(keys):  # damaged since it was decided
                plan = self.writer.plan_spans(keys, version_floor)
                if spans is not None:
                    plan = plan.without(self.writer.markers.spans(spans.columns))
                begun = Intent(block, end, plan.version, plan.fates)
                begun.save(self.folder.path)
                unsent = plan.sent
            else:
                own = (books, block)
                plan, unsent = self.writer.resume(keys, begun.fates, begun.version, own)
            if spans is not None:
                self._send_spans(name, records, spans, keys, packed, plan, unsent, fates, blaming)
        again = _Again(records)
        for table, rows in tables.items():
            if table != "spans":
                begun = self._send_rows(name, table, records, rows, begun, fates, blaming, again)
        again.enter(fates)
        return fates, plan.version

    def _send_spans(
        self,
        name: str,
        records: Sequence[Unpacked],
        spans: Table,
        keys: Sequence[SpanKey],
        packed: PackedColumns,
        plan: SpanPlan,
        unsent: Sequence[int],
        fates: Fates,
        blaming: Blaming,
    ) -> None:
        refused = send_bisecting(
            unsent,
            lambda part: self.writer.send_spans(spans.columns, keys, plan, part, packed),
            blaming,
        )
        arrived = set(plan.sent).difference(unsent)
        corrected = [i for i in arrived if plan.fates[i] == span_plan.CORRECTION]
        self.writer.delete_older([keys[i] for i in corrected], plan.version)
        letters = list(plan.fates)
        for index, _ in refused:
            letters[index] = span_plan.REFUSED
        kept = self._keep(name, "spans", spans, refused, blaming)
        outcomes = {**_OUTCOMES, span_plan.REFUSED: kept}
        _enter_rows(records, spans, [outcomes[letter] for letter in letters], fates)
        for index, letter in enumerate(letters):
            if letter == span_plan.FORGOTTEN:  # as if it had been stored, and then forgotten
                project, source = (spans.columns[n][index] for n in ("project", "booked_source"))
                fates.drained(Account(project, source, "spans", "forgotten"))

    def _send_rows(
        self,
        name: str,
        table: str,
        records: Sequence[Unpacked],
        rows: Table,
        begun: Intent,
        fates: Fates,
        blaming: Blaming,
        again: "_Again",
    ) -> Intent:
        """What was decided, with what was decided on these rows."""
        if table == "scores":
            find_spans(self.reader, rows.columns)
        forgotten = set(self.writer.markers.scores(rows.columns)) if table == "scores" else set()
        begun, letters = self._plan_rows(table, rows, begun)
        refused = send_bisecting(
            [
                index
                for index, letter in enumerate(letters)
                if letter in (span_plan.STORED, span_plan.CORRECTION) and index not in forgotten
            ],
            lambda part: self.writer.write_columns(table, rows.columns, part, begun.version),
            blaming,
        )
        outcome = self._keep(name, table, rows, refused, blaming)
        if table == "scores":
            outcomes = [_OUTCOMES[letter] for letter in letters]
            for index in forgotten:
                outcomes[index] = _OUTCOMES[span_plan.STORED]
            for index, _ in refused:
                outcomes[index] = outcome
            _enter_rows(records, rows, outcomes, fates)
        else:
            again.note(rows, letters)
            _move_points(records, rows, [index for index, _ in refused], outcome, fates)
        return begun

    def _plan_rows(self, table: str, rows: Table, begun: Intent) -> tuple[Intent, str]:
        """A letter a row, the same in every attempt to send this block."""
        count = len(rows.records)
        if not has_plan(table):
            return begun, span_plan.STORED * count
        letters = begun.rows.get(table, "")
        if len(letters) != count:
            letters = plan_rows(self.reader, table, rows.columns, begun.version)
            if letters.strip(span_plan.STORED):
                begun = replace(begun, rows={**begun.rows, table: letters})
                begun.save(self.folder.path)
        return begun, letters

    def _keep(
        self,
        name: str,
        table: str,
        rows: Table,
        refused: Sequence[tuple[int, str]],
        blaming: Blaming,
    ) -> tuple[str, str]:
        if not refused:
            return "quarantined", REFUSED
        if self.quarantine.keep_rows(name, table, rows.columns, refused):
            return "quarantined", REFUSED
        if blaming is not CONTENT:
            raise QueryRefused(f"the quarantine has no room for refused rows: {refused[0][1]}")
        return "quarantined", NOT_KEPT


class _Again:
    """Data points that came again, whose rows were there already."""

    def __init__(self, records: Sequence[Unpacked]) -> None:
        self._records = records
        self._rows: Counter[int] = Counter()
        self._letters: dict[tuple[str, str], Counter[int]] = {}

    def note(self, rows: Table, letters: str) -> None:
        """What became of the rows of one table."""
        for record, letter in zip(rows.records, letters, strict=True):
            self._rows[record] += 1
            if letter != span_plan.STORED:
                self._letters.setdefault(_OUTCOMES[letter], Counter())[record] += 1

    def enter(self, fates: Fates) -> None:
        """Move their points from stored to duplicate.

        A row takes one data point or more, nobody knows how many: those of a record are moved in
        proportion to its rows, which is exact where all of it, or a point a row, came again.
        """
        moved: Counter[int] = Counter()
        for outcome, counts in self._letters.items():
            for index, count in counts.items():
                record, before = self._records[index], moved[index]
                moved[index] += count
                for source, points in record.accepted.items():
                    share = points * moved[index] // self._rows[index]
                    share -= points * before // self._rows[index]
                    stored = Account(record.project, source, record.signal, "stored")
                    share = min(share, fates.counts[stored])  # some may be in quarantine
                    if share:
                        fates.drained(stored, -share)
                        account = Account(record.project, source, record.signal, *outcome)
                        fates.drained(account, share)


def _book(records: Sequence[Unpacked], spans: Table, books: str, block: int) -> None:
    """Say in each row where the books will have it; none expires before it is entered there.

    Days that are over may have been counted as expired already (`tachograph_store.removals`).
    """
    count = len(spans.records)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    sources = [source for i in dict.fromkeys(spans.records) for source in records[i].sources]
    spans.columns["booked_by"] = [books] * count
    spans.columns["booked_block"] = [block] * count
    spans.columns["booked_source"] = sources
    days = spans.columns["expires_on"]
    if min(days) < tomorrow:
        spans.columns["expires_on"] = [max(day, tomorrow) for day in days]


def _keys(spans: Table) -> list[SpanKey]:
    columns = (spans.columns[name] for name in SpanKey._fields)
    return list(starmap(SpanKey, zip(*columns, strict=True)))


def _enter_rows(
    records: Sequence[Unpacked], rows: Table, outcomes: Sequence[tuple[str, str]], fates: Fates
) -> None:
    """Each row is a record of its own: a span, a score."""
    begin = 0
    while begin < len(rows.records):
        record = records[rows.records[begin]]
        sent = outcomes[begin : begin + len(record.sources)]
        counts = Counter(zip(record.sources, sent, strict=True))
        for (source, (outcome, reason)), count in counts.items():
            account = Account(record.project, source, record.signal, outcome, reason)
            fates.drained(account, count)
        begin += len(sent)


def _move_points(
    records: Sequence[Unpacked],
    rows: Table,
    refused: Sequence[int],
    outcome: tuple[str, str],
    fates: Fates,
) -> None:
    """A row stands for one data point or more: a refused one takes one point along."""
    for index in refused:
        record = records[rows.records[index]]
        for source in record.accepted:
            stored = Account(record.project, source, record.signal, "stored")
            if fates.counts[stored] > 0:
                fates.drained(stored, -1)
                fates.drained(Account(record.project, source, record.signal, *outcome))
                break
