"""A finished observation as one OTel span."""

from collections.abc import Callable, Mapping

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.semconv.attributes import http_attributes
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from tachograph._internal.fitting import fitted_json
from tachograph._internal.messages import Message
from tachograph._internal.truncate import truncated as cut
from tachograph._internal.truncate import well_formed
from tachograph.semconv import SCHEMA_URL, attributes
from tachograph.semconv.values import Observer
from tachograph.version import __version__
from tachograph_detectors.redact import Redactor
from tachograph_sidecar.engines.deployment import ServedModel
from tachograph_sidecar.kv_cache import KvShape
from tachograph_sidecar.observe.messages import input_messages
from tachograph_sidecar.observe.messages_api import messages_input
from tachograph_sidecar.observe.recorder import Observation
from tachograph_sidecar.observe.request_facts import (
    AttributeMap,
    AttributeValue,
    attributes_of_cut,
    read_request,
    request_attributes,
    stop_sequences,
)
from tachograph_sidecar.observe.responses_api import responses_input
from tachograph_sidecar.observe.routes import Dialect

_SCOPE = InstrumentationScope("tachograph.sidecar", __version__, SCHEMA_URL)

_SAID_BY_PEOPLE = frozenset(
    {
        attributes.INPUT_MESSAGES,
        attributes.OUTPUT_MESSAGES,
        attributes.REQUEST_STOP_SEQUENCES,
        attributes.USER_ID,
        attributes.SESSION_ID,
        attributes.TENANT,
    }
)

_INPUTS: Mapping[Dialect, Callable[[Mapping[str, object]], list[Message]]] = {
    "openai_responses": responses_input,
    "anthropic": messages_input,
}


def span_builder(
    resource: Resource,
    content_limit_bytes: int,
    redactor: Redactor | None = None,
    kv_shape: KvShape | None = None,
) -> Callable[[Observation], ReadableSpan]:
    """How this sidecar makes spans: stamped with its resource, redacted where answers are."""

    def build(seen: Observation) -> ReadableSpan:
        found = _identity(seen)
        truncated: list[str] = []
        _add_request(found, truncated, seen, content_limit_bytes)
        _add_answer(found, truncated, seen, content_limit_bytes)
        _add_deployment(found, seen)
        _add_use(found, seen)
        if kv_shape is not None:
            _add_cache(found, seen, kv_shape)
        if truncated:
            found[attributes.TRUNCATED] = truncated
        error_type = _error_type(seen)
        if error_type is not None:
            found[attributes.ERROR_TYPE] = error_type
        if redactor is not None:
            _redact(found, redactor)
        found = {name: _encodable(value) for name, value in found.items()}
        model = found.get(attributes.REQUEST_MODEL) or found.get(attributes.RESPONSE_MODEL)
        trace = seen.trace
        return ReadableSpan(
            name=f"{seen.route.operation} {model}" if model else seen.route.operation,
            context=_context(trace.trace_id, trace.span_id, is_remote=False),
            parent=(
                None
                if trace.parent_id is None
                else _context(trace.trace_id, trace.parent_id, is_remote=True)
            ),
            resource=resource,
            attributes=found,
            kind=SpanKind.CLIENT,
            status=Status(StatusCode.UNSET if error_type is None else StatusCode.ERROR),
            start_time=seen.arrival_unix_ns,
            end_time=seen.arrival_unix_ns + seen.duration_ns,
            instrumentation_scope=_SCOPE,
        )

    return build


def _redact(found: AttributeMap, redactor: Redactor) -> None:
    for name in _SAID_BY_PEOPLE & found.keys():
        value = found[name]
        if isinstance(value, str):
            found[name] = redactor.json_text(value)
        elif isinstance(value, list):
            found[name] = [redactor.text(item) for item in value]


def _encodable(value: AttributeValue) -> AttributeValue:
    """Without the lone surrogates that JSON can smuggle in and UTF-8 cannot carry."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, list):
        return [well_formed(item) for item in value]
    return value


def _context(trace_id: int, span_id: int, *, is_remote: bool) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote, TraceFlags(TraceFlags.SAMPLED))


def _identity(seen: Observation) -> AttributeMap:
    found: AttributeMap = {
        attributes.OBSERVER: Observer.PROXY,
        attributes.REQUEST_ID: seen.request_id,
        attributes.OPERATION_NAME: seen.route.operation,
        attributes.PROVIDER_NAME: seen.engine.provider,
        attributes.CONTENT_CAPTURE: seen.capture,
    }
    if seen.upstream is not None:
        found[attributes.SERVER_ADDRESS] = seen.upstream.host
        found[attributes.SERVER_PORT] = seen.upstream.port
    if not seen.is_counted:
        found[attributes.COUNTED] = False
    if seen.tenant is not None:
        found[attributes.TENANT] = seen.tenant.name
        found[attributes.TENANT_SOURCE] = seen.tenant.source
    if seen.priority is not None:
        found[attributes.PRIORITY] = seen.priority
    if seen.queue_s is not None:
        found[attributes.PROXY_QUEUE_TIME] = seen.queue_s
    if seen.variant is not None:
        found[attributes.VARIANT] = seen.variant
    if seen.capture != "off":
        if seen.user is not None:
            found[attributes.USER_ID] = seen.user
        if seen.session is not None:
            found[attributes.SESSION_ID] = seen.session
    return found


def _add_request(
    found: AttributeMap, truncated: list[str], seen: Observation, limit_bytes: int
) -> None:
    request = read_request(seen.request)
    if request is None:
        if seen.request.is_cut:
            found.update(attributes_of_cut(seen.request))
        if seen.capture == "full" and seen.request.total:
            # not readable as a whole: its beginning, as it is
            text = seen.request.head.decode("utf-8", "replace")
            found[attributes.INPUT_MESSAGES], was_cut = cut(text, limit_bytes)
            if was_cut or seen.request.is_cut:
                truncated.append(attributes.INPUT_MESSAGES)
        return
    found.update(request_attributes(request))
    if seen.capture == "full":
        stops = stop_sequences(request)
        if stops:
            found[attributes.REQUEST_STOP_SEQUENCES] = stops
        messages = _INPUTS.get(seen.route.dialect, input_messages)(request)
        if messages:
            found[attributes.INPUT_MESSAGES], was_cut = fitted_json(messages, limit_bytes)
            if was_cut:
                truncated.append(attributes.INPUT_MESSAGES)


def _add_answer(
    found: AttributeMap, truncated: list[str], seen: Observation, limit_bytes: int
) -> None:
    answer = seen.answer
    engine = answer.engine
    timing = seen.chunks.result()
    stated: list[tuple[str, str | int | float | None]] = [
        (http_attributes.HTTP_RESPONSE_STATUS_CODE, seen.status),
        (attributes.RESPONSE_MODEL, answer.model),
        (attributes.RESPONSE_ID, answer.response_id),
        (attributes.USAGE_INPUT_TOKENS, answer.input_tokens),
        (attributes.USAGE_OUTPUT_TOKENS, answer.output_tokens),
        (attributes.USAGE_CACHE_READ_INPUT_TOKENS, answer.cache_read_tokens),
        (attributes.USAGE_CACHE_WRITE_INPUT_TOKENS, answer.usage.cache_write_tokens),
        (attributes.USAGE_REASONING_OUTPUT_TOKENS, answer.usage.reasoning_tokens),
        (attributes.ENGINE_TIME_TO_FIRST_TOKEN, engine.time_to_first_token_s),
        (attributes.ENGINE_QUEUE_TIME, engine.queue_s),
        (attributes.ENGINE_PREFILL_TIME, engine.prefill_s),
        (attributes.ENGINE_DECODE_TIME, engine.decode_s),
    ]
    if seen.is_stream:
        stated += [
            (attributes.RESPONSE_TIME_TO_FIRST_CHUNK, timing.time_to_first_chunk_s),
            (attributes.STREAM_CHUNK_COUNT, timing.chunk_count),
            (attributes.STREAM_TIME_PER_CHUNK, timing.time_per_chunk_s),
            (attributes.STREAM_GAP_P50, timing.gap_p50_s),
            (attributes.STREAM_GAP_P95, timing.gap_p95_s),
            (attributes.STREAM_GAP_MAX, timing.gap_max_s),
        ]
        found[attributes.REQUEST_STREAM] = True
    found.update({name: value for name, value in stated if value is not None})
    if answer.finish_reasons:
        found[attributes.RESPONSE_FINISH_REASONS] = answer.finish_reasons
    if seen.client_wait_ns:
        found[attributes.PROXY_CLIENT_WAIT_TIME] = seen.client_wait_ns / 1e9
    if seen.has_client_left:
        found[attributes.CLIENT_DISCONNECTED] = True
    messages = answer.messages()
    if messages:
        found[attributes.OUTPUT_MESSAGES], was_cut = fitted_json(messages, limit_bytes)
        if was_cut or answer.is_text_cut:
            truncated.append(attributes.OUTPUT_MESSAGES)


def _add_deployment(found: AttributeMap, seen: Observation) -> None:
    said, engine = seen.deployment, seen.answer.engine
    served = said.models.get(str(found.get(attributes.REQUEST_MODEL)), ServedModel())
    stated: list[tuple[str, str | int | None]] = [
        (attributes.RESPONSE_SYSTEM_FINGERPRINT, seen.answer.fingerprint),
        (attributes.ENGINE_VERSION, said.version),
        (attributes.ENGINE_WEIGHTS, served.weights or said.weights),
        (attributes.ENGINE_ADAPTER, served.adapter),
        (attributes.ENGINE_QUANTIZATION, said.quantization),
        (
            attributes.ENGINE_TENSOR_PARALLEL_SIZE,
            engine.tensor_parallel_size or said.tensor_parallel_size,
        ),
        (
            attributes.ENGINE_PIPELINE_PARALLEL_SIZE,
            engine.pipeline_parallel_size or said.pipeline_parallel_size,
        ),
        (attributes.ENGINE_ATTENTION_BACKEND, said.attention_backend),
    ]
    found.update({name: value for name, value in stated if value is not None})


def _add_use(found: AttributeMap, seen: Observation) -> None:
    share = seen.share
    if share is None:
        return
    found[attributes.ENGINE_SECONDS] = share.engine_s
    found[attributes.ATTRIBUTION_METHOD] = share.method
    if share.gpu_s is not None:
        found[attributes.GPU_SECONDS] = share.gpu_s
    if share.energy_j is not None:
        found[attributes.ENERGY] = share.energy_j
    if share.energy_error_j is not None:
        found[attributes.ENERGY_ERROR] = share.energy_error_j


def _add_cache(found: AttributeMap, seen: Observation, shape: KvShape) -> None:
    """Keys and values of the whole context, those taken from the prefix cache included."""
    answer = seen.answer
    if answer.input_tokens is not None and answer.output_tokens is not None:
        held = shape.bytes_of(answer.input_tokens + answer.output_tokens)
        found[attributes.KV_CACHE_BYTES] = held


def _error_type(seen: Observation) -> str | None:
    """Why the request failed: the sidecar's finding, the engine's own word, or its status."""
    if seen.error_type is not None:
        return seen.error_type
    if seen.answer.error_type is not None:
        return seen.answer.error_type
    if seen.status is not None and seen.status >= 400:
        return str(seen.status)
    return None
