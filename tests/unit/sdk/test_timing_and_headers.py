"""Percentiles of gaps; who is told what in request headers."""

from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext, TraceFlags

from tachograph._internal.facts import Facts, lowest
from tachograph._internal.openai.endpoints import endpoint_of
from tachograph._internal.openai.headers import joining_headers
from tachograph._internal.stream_timing import StreamTiming, nearest_rank
from tachograph.semconv import attributes

SPAN = SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1))
FACTS = Facts(tenant="acme", user="Zoë 100%", session="s", variant="b")


def test_nearest_rank() -> None:
    values = [float(n) for n in range(1, 101)]
    assert nearest_rank(values, 0.5) == 50
    assert nearest_rank(values, 0.95) == 95
    assert nearest_rank([7.0], 0.95) == 7


def test_what_a_stream_was_too_short_for_is_absent() -> None:
    timing = StreamTiming()
    assert timing.attributes() == {}
    timing.chunk()
    assert set(timing.attributes()) == {
        attributes.RESPONSE_TIME_TO_FIRST_CHUNK,
        attributes.STREAM_CHUNK_COUNT,
    }
    timing.chunk()
    found = timing.attributes()
    assert found[attributes.STREAM_CHUNK_COUNT] == 2
    assert found[attributes.STREAM_GAP_MAX] == found[attributes.STREAM_TIME_PER_CHUNK]


def test_facts_go_to_own_engines_encoded() -> None:
    added, request_id = joining_headers(
        {}, (), span_context=SPAN, facts=FACTS, capture="full", is_own=True
    )
    assert added.pop("x-request-id") == request_id
    assert added == {
        "traceparent": f"00-{1:032x}-{2:016x}-01",
        "x-tachograph-tenant": "acme",
        "x-tachograph-user": "Zo%C3%AB 100%25",
        "x-tachograph-session": "s",
        "x-tachograph-variant": "b",
    }


def test_strangers_get_ids_only() -> None:
    added, _ = joining_headers({}, (), span_context=SPAN, facts=FACTS, capture="off", is_own=False)
    assert set(added) == {"x-request-id", "traceparent"}


def test_capture_off_is_passed_on_and_hides_people() -> None:
    added, _ = joining_headers(
        {}, (), span_context=INVALID_SPAN_CONTEXT, facts=FACTS, capture="off", is_own=True
    )
    assert set(added) == {
        "x-request-id",
        "x-tachograph-content-capture",
        "x-tachograph-tenant",
        "x-tachograph-variant",
    }


def test_headers_of_the_application_win() -> None:
    added, request_id = joining_headers(
        {"X-Request-ID": "mine", "X-Tachograph-User": "me"},
        {"Traceparent"},
        span_context=SPAN,
        facts=Facts(user="other"),
        capture="full",
        is_own=True,
    )
    assert added == {}
    assert request_id == "mine"


def test_endpoints() -> None:
    assert endpoint_of("https://api.openai.com/v1/").provider == "openai"
    assert endpoint_of("https://x.openai.azure.com").provider == "azure.ai.openai"
    assert endpoint_of("https://api.openai.com.evil.example").provider is None
    own = [
        "http://127.0.0.1:8787/v1",
        "http://10.1.2.3",
        "http://sidecar:8787",
        "http://vllm.models.svc",
        "http://[::1]:1",
    ]
    for url in own:
        assert endpoint_of(url).is_own, url
    strangers = ("https://api.openai.com", "http://8.8.8.8", "", "nonsense", "http://[", None)
    for stranger in strangers:
        assert not endpoint_of(stranger).is_own, stranger
    assert endpoint_of("https://api.openai.com/v1").port == 443


def test_the_lower_capture_mode_wins() -> None:
    assert lowest("full", "metadata") == "metadata"
    assert lowest("off", "full") == "off"
    assert lowest("full", None) == "full"
    assert lowest("nonsense", "full") == "off"  # type: ignore[arg-type]
