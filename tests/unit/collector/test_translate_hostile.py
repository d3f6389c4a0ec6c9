"""Whatever stands under the names of a dialect, a span is translated and nothing is raised."""

import json
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tachograph_collector.translate.columns import (
    CHUNK_EVENTS,
    CONTENT_COLUMNS,
    EVENT_CONTENTS,
    EVENT_MESSAGES,
    FIRST_CHUNK_EVENTS,
    PREFIXES,
    RENAMED,
    TYPED_COLUMNS,
)
from tachograph_store.rows import SpanRow

NAMES = sorted({*TYPED_COLUMNS, *CONTENT_COLUMNS, *RENAMED})
EVENTS = sorted({*EVENT_MESSAGES, *EVENT_CONTENTS, *CHUNK_EVENTS, *FIRST_CHUNK_EVENTS, "exception"})
WORDS = [
    "message", "content", "contents", "tool_calls", "tool_call", "function", "arguments", "role",
    "0", "1", "9999", "text", "name", "score", "label", "annotation", "document", "", "x",
]  # fmt: skip
SUFFIXES = st.lists(st.sampled_from(WORDS), max_size=9).map(".".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [*WORDS, "messages", "choices", "parts", "total", "input", "tool_call_id"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
TEXTS = st.text() | JSON.map(json.dumps) | st.sampled_from(["{", '[{"', '"x', "[" * 2000])
VALUES = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | TEXTS
    | st.lists(TEXTS, max_size=3)
    | st.dictionaries(st.sampled_from(WORDS), TEXTS, max_size=3)
)
KEYS = st.sampled_from(NAMES) | st.builds(str.__add__, st.sampled_from(PREFIXES), SUFFIXES)
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=12)


@given(
    scope=st.sampled_from(["langfuse-sdk", "openlit.x", "opentelemetry.instrumentation.bedrock"]),
    attributes=ATTRIBUTES,
    events=st.lists(
        st.tuples(st.sampled_from(EVENTS), ATTRIBUTES, st.integers(0, 2**64 - 1)), max_size=4
    ),
)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nothing_is_raised(
    translate_scoped: Callable[..., SpanRow],
    make_span: Callable[..., Span],
    scope: str,
    attributes: dict[str, object],
    events: list[tuple[str, dict[str, object], int]],
) -> None:
    row = translate_scoped(
        scope,
        attributes,
        events=[
            Span.Event(name=name, time_unix_nano=at, attributes=make_span(given).attributes)
            for name, given, at in events
        ],
    )
    names = {name for name in SpanRow.__dataclass_fields__ if name.endswith("_tokens")}
    assert all((getattr(row, name) or 0) >= 0 for name in names)
    if row.input_tokens is not None:
        cached = (row.cache_read_tokens or 0) + (row.cache_write_tokens or 0)
        assert cached <= row.input_tokens
    if row.output_tokens is not None:
        assert (row.reasoning_tokens or 0) <= row.output_tokens
