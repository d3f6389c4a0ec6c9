"""The books balance, lines are written once, and strange senders cannot fill the memory."""

from tachograph_collector.books import OTHER_SOURCES, Books, Fates


def _sum(books: Books, outcome: str) -> int:
    return sum(count for account, count in books.totals().items() if account.outcome == outcome)


def test_received_is_accepted_and_rejected() -> None:
    books = Books(retention_days=30)
    fates = Fates()
    fates.stored("shop", 5)
    fates.duplicate("shop", 2)
    fates.duplicate("shop", 1, "correction")
    fates.rejected("shop", "too_old", 3)
    books.enter("p", "spans", fates)
    assert _sum(books, "received") == 11 == _sum(books, "accepted") + _sum(books, "rejected")
    assert _sum(books, "accepted") == 8 == _sum(books, "stored") + _sum(books, "duplicate")


def test_lines_stay_the_same_until_they_are_written() -> None:
    books = Books(retention_days=30)
    fates = Fates()
    fates.stored("shop", 5)
    books.enter("p", "spans", fates)
    first = books.lines()
    books.enter("p", "spans", fates)
    assert books.lines() == first  # a failed write is repeated, not mixed with what came since
    books.written()
    second = books.lines()
    assert {line.sequence for line in first} == {1}
    assert {line.sequence for line in second} == {2}
    assert {(line.outcome, line.count) for line in second} == {
        ("received", 5),
        ("accepted", 5),
        ("stored", 5),
    }
    books.written()
    assert books.lines() == []


def test_senders_beyond_the_bound_are_counted_together() -> None:
    books = Books(retention_days=30)
    for i in range(500):
        fates = Fates()
        fates.stored(f"service-{i}")
        books.enter("p", "spans", fates)
    sources = {account.source for account in books.totals()}
    assert len(sources) == 201
    assert _sum(books, "stored") == 500
    assert OTHER_SOURCES in sources


def test_each_process_keeps_books_of_its_own() -> None:
    assert Books(1).collector != Books(1).collector
