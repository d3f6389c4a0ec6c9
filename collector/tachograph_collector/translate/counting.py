"""Which spans count: totals, cost and joules sum each request once."""

from typing import Final

from tachograph.semconv.values import MODEL_OPERATIONS, Observer

COUNTING_OBSERVERS: Final = frozenset({Observer.CLIENT, Observer.PROXY, Observer.IMPORT})
"""The engine's own spans join by request id and never count."""

OBSERVERS: Final = COUNTING_OBSERVERS | {Observer.ENGINE}


def is_counted(operation: str | None, observer: str, counted: object) -> bool:
    """Whether a span carries the totals of its request.

    Only leaf model calls do: agents and chains repeat the sums of their children. `counted` is
    the attribute `tachograph.counted`, False where another observer's span counts.
    """
    return operation in MODEL_OPERATIONS and observer in COUNTING_OBSERVERS and counted is not False
