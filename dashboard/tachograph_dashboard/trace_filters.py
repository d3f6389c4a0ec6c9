"""What the list of traces can be narrowed to and ordered by, and the links that do so.

The URL carries the labels: they are the values of the select boxes.
"""

from collections.abc import Mapping

from tachograph_store.queries.finding import Only, Order

ONLY_LABELS: Mapping[str, Only] = {
    "All traces": "",
    "Failed requests": "failed",
    "A score below 0.5": "low_score",
    "Not yet scored": "unscored",
    "No first-chunk time": "no_first_chunk",
    "No token count": "no_tokens",
}
ORDER_LABELS: Mapping[str, Order] = {
    "Newest first": "newest",
    "Slowest first": "slowest",
    "Most expensive first": "dearest",
    "Longest prompt first": "longest_prompt",
    "Most tokens first": "most_tokens",
}


def only(code: Only) -> dict[str, str]:
    """Query parameters of the list narrowed to `code`."""
    return {"only": next(label for label, value in ONLY_LABELS.items() if value == code)}


def order(code: Order) -> dict[str, str]:
    """Query parameters of the list in this order."""
    return {"order": next(label for label, value in ORDER_LABELS.items() if value == code)}
