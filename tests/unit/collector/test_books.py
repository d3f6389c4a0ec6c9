"""The books balance, and strange senders cannot fill the memory."""

from tachograph_collector.books import CORRECTION, OTHER_SOURCES, Account, Books, Fates


def _sum(books: Books, outcome: str) -> int:
    return sum(count for account, count in books.totals().items() if account.outcome == outcome)


def test_what_was_drained_balances() -> None:
    books = Books()
    fates = Fates()
    fates.accepted("p", "spans", "shop", 8)
    fates.rejected("p", "spans", "shop", "too_old", 3)
    fates.drained(Account("p", "shop", "spans", "stored"), 5)
    fates.drained(Account("p", "shop", "spans", "duplicate"), 2)
    fates.drained(Account("p", "shop", "spans", "duplicate", CORRECTION))
    books.enter(fates)
    assert _sum(books, "received") == 11 == _sum(books, "accepted") + _sum(books, "rejected")
    assert _sum(books, "accepted") == 8 == _sum(books, "stored") + _sum(books, "duplicate")


def test_senders_beyond_the_bound_are_counted_together() -> None:
    books = Books()
    names = {books.source_name("p", f"service-{i}") for i in range(500)}
    assert len(names) == 201
    assert OTHER_SOURCES in names
    assert books.source_name("p", "service-0") == "service-0"
    assert books.source_name("q", "service-499") == "service-499"
