"""The order of spans: parents before children, whatever was sent."""

from tachograph_dashboard.components.waterfall import Bar, tree_order


def bar(span_id: str, parent: str, start: int) -> Bar:
    return Bar(
        span_id=span_id,
        parent_span_id=parent,
        name=span_id,
        kind="other",
        start_time=start,
        duration_ns=10,
    )


def test_children_follow_their_parents_by_start() -> None:
    spans = [bar("c", "a", 3), bar("a", "", 1), bar("b", "a", 2), bar("d", "b", 2)]
    order = [(depth, span.span_id) for depth, span in tree_order(spans)]
    assert order == [(0, "a"), (1, "b"), (2, "d"), (1, "c")]


def test_orphans_are_roots() -> None:
    order = tree_order([bar("x", "missing", 5), bar("a", "", 1)])
    assert [(depth, span.span_id) for depth, span in order] == [(0, "a"), (0, "x")]


def test_a_cycle_ends_and_shows_every_span_once() -> None:
    order = tree_order([bar("a", "b", 1), bar("b", "a", 2), bar("s", "s", 3)])
    assert sorted(span.span_id for _, span in order) == ["a", "b", "s"]
