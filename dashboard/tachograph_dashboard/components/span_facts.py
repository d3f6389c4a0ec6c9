"""Timings, tokens, money and attributes of one model call."""

from datetime import tzinfo

from tachograph_dashboard import formats
from tachograph_dashboard.components.cards import card
from tachograph_dashboard.components.tables import Column, table
from tachograph_store.rows import SpanRow

COLUMNS = {"fact": Column("Fact"), "value": Column("Value")}
MAX_ATTRIBUTES = 500


def span_facts(span: SpanRow, zone: tzinfo) -> None:
    """What is known of the call; unknown facts are left out."""
    currency = span.cost_currency or ""
    facts = {
        "model": span.response_model or span.request_model,
        "provider": span.provider,
        "seen by": span.observer,
        "tenant": span.tenant,
        "user": span.user,
        "session": span.session,
        "variant": span.variant,
        "finish reasons": ", ".join(span.finish_reasons) or None,
        "duration": formats.nanoseconds(span.duration_ns),
        "time to first chunk": _known(formats.seconds(span.time_to_first_chunk_s)),
        "time per output chunk": _known(formats.seconds(span.time_per_output_chunk_s)),
        "gap between chunks, p95": _known(formats.seconds(span.gap_p95_s)),
        "longest gap": _known(formats.seconds(span.gap_max_s)),
        "engine: time to first token": _known(formats.seconds(span.engine_time_to_first_token_s)),
        "queue": _known(formats.seconds(span.queue_s)),
        "prefill": _known(formats.seconds(span.prefill_s)),
        "decode": _known(formats.seconds(span.decode_s)),
        "input tokens": _known(formats.count(span.input_tokens)),
        "of these cached": _known(formats.count(span.cache_read_tokens)),
        "output tokens": _known(formats.count(span.output_tokens)),
        "of these reasoning": _known(formats.count(span.reasoning_tokens)),
        "list price": _known(formats.money(span.list_cost, currency)),
        "compute price": _known(formats.money(span.compute_cost, currency)),
        "reported price": _known(formats.money(span.reported_cost, currency)),
        "GPU time": _known(formats.seconds(span.gpu_seconds)),
        "energy": _known(_energy(span)),
        "request id": span.request_id,
        "response id": span.response_id,
        "span id": span.span_id,
    }
    rows = [{"fact": fact, "value": value} for fact, value in facts.items() if value]
    with card("Facts", "unknown ones are left out", fills=False):
        table(rows, COLUMNS, zone=zone, key="facts")
    attributes = {**span.attributes, **span.resource_attributes}
    if attributes:
        with card("Attributes", fills=False):
            table(
                [
                    {"fact": name, "value": value}
                    for name, value in sorted(attributes.items())[:MAX_ATTRIBUTES]
                ],
                COLUMNS,
                zone=zone,
                key="attributes",
                height=300,
            )


def _known(text: str) -> str | None:
    return None if text == formats.UNKNOWN else text


def _energy(span: SpanRow) -> str:
    if span.energy_j is None or span.energy_error_j is None:
        return formats.joules(span.energy_j)
    return f"{formats.joules(span.energy_j)} ± {formats.joules(span.energy_error_j)}"
