"""One call of a model through a wrapped client: begun, answered or failed, ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tachograph._internal.errors import contained
from tachograph._internal.facts import current_facts
from tachograph._internal.generation import Generation
from tachograph._internal.openai.assembly import Assembly
from tachograph._internal.openai.endpoints import ModelEndpoint
from tachograph._internal.openai.headers import joining_headers
from tachograph._internal.openai.reading import items, note_answer, note_identity, note_usage, read
from tachograph._internal.openai.request import note_retries, output_type
from tachograph._internal.openai.responses import ResponseAssembly, input_messages, note_response
from tachograph._internal.openai.streams import RecordedAsyncStream, RecordedStream, StreamRecord
from tachograph.semconv import attributes, headers

Shape: TypeAlias = Literal["chat", "text_completion", "embeddings", "responses"]
"""What request and answer look like. The Responses API is `chat` by its operation."""

RAW_RESPONSE_HEADER = "x-stainless-raw-response"
"""The `openai` package's own request header by which a caller gets status and headers too."""


@dataclass(frozen=True, slots=True)
class WrapOptions:
    """How a wrapped client behaves."""

    endpoint: ModelEndpoint
    default_header_names: frozenset[str]
    asks_usage: bool
    propagates: bool
    """Send tenant, user, session and variant to the endpoint."""


class Call:
    """The recording of one call."""

    def __init__(self, shape: Shape, arguments: Mapping[str, Any], options: WrapOptions) -> None:
        self.shape = shape
        self.arguments = dict(arguments)
        self._options = options
        self._withholds_usage = False
        app_headers = self.arguments.get("extra_headers") or {}
        self.app_wants_raw = any(name.lower() == RAW_RESPONSE_HEADER for name in app_headers)
        model = self.arguments.get("model")
        self.generation = Generation(
            model if isinstance(model, str) else "unknown",
            operation="chat" if shape == "responses" else shape,
            provider=options.endpoint.provider,
            parameters=self.arguments,
        )
        self._describe()
        self.generation._start()
        if items(self.arguments.get("tools")):
            self.generation._put(attributes.TOOL_DEFINITIONS, "json", self.arguments["tools"])
        self._add_headers(app_headers)

    def _describe(self) -> None:
        facts = self.generation._facts
        if self._options.endpoint.host is not None:
            facts[attributes.SERVER_ADDRESS] = self._options.endpoint.host
        if self._options.endpoint.port is not None:
            facts[attributes.SERVER_PORT] = self._options.endpoint.port
        if self.shape == "embeddings":
            return
        is_streaming = self.arguments.get("stream") is True
        facts[attributes.REQUEST_STREAM] = is_streaming
        if (kind := output_type(self.arguments)) is not None:
            facts[attributes.OUTPUT_TYPE] = kind
        if self.shape == "responses":
            self.generation.messages = input_messages(self.arguments)
        else:
            self.generation.messages = self.arguments.get(
                "messages" if self.shape == "chat" else "prompt", ()
            )
            if is_streaming and self._options.asks_usage:
                self._ask_usage()

    def _ask_usage(self) -> None:
        given = self.arguments.get("stream_options")
        if not isinstance(given, Mapping):
            given = {}
        if "include_usage" not in given:
            self.arguments["stream_options"] = {**given, "include_usage": True}
            self._withholds_usage = True

    def _add_headers(self, app_headers: Mapping[str, Any]) -> None:
        added, request_id = joining_headers(
            app_headers,
            self._options.default_header_names,
            span_context=self.generation._span_context,
            facts=current_facts(),
            capture=self.generation._capture,
            is_own=self._options.propagates,
        )
        if request_id is not None:
            self.generation._facts[attributes.REQUEST_ID] = request_id
        self.arguments["extra_headers"] = {**app_headers, **added}

    def fail(self, error: BaseException) -> None:
        """The call raised; the caller raises it on, unchanged."""
        with contained("recording a failed call"):
            response = getattr(error, "response", None)
            self.note_headers(getattr(response, "headers", None))
            note_retries(self.generation, error)
            self._end(error, False)

    def note_raw(self, raw: object) -> None:
        """What status, headers and retries of a raw answer tell."""
        self.note_headers(read(raw, "headers"))
        with contained("reading retries"):
            note_retries(self.generation, raw)

    def note_headers(self, response_headers: object) -> None:
        """See whether a sidecar on the way counts this request."""
        with contained("reading response headers"):
            get = getattr(response_headers, "get", None)
            if callable(get) and get(headers.COUNTED_BY):
                self.generation._facts[attributes.COUNTED] = False

    def conclude(self, answer: Any, *, is_async: bool) -> Any:
        """Record the answer; returns what the application gets."""
        with contained("recording an answer"):
            if hasattr(answer, "__anext__" if is_async else "__next__"):
                return self._recorded_stream(answer, is_async=is_async)
            self.note_answer(answer)
        return answer

    def note_answer(self, answer: Any) -> None:
        """Record a complete answer and end the span."""
        with contained("reading an answer"):
            if self.shape == "embeddings":
                note_identity(self.generation, answer)
                note_usage(self.generation, read(answer, "usage"))
            elif self.shape == "responses":
                if answer is not None:
                    note_response(self.generation, answer)
            elif items(read(answer, "choices")):
                note_answer(self.generation, answer)
        with contained("ending a call"):
            self._end(None, False)

    def _recorded_stream(self, stream: Any, *, is_async: bool) -> Any:
        self.note_headers(getattr(getattr(stream, "response", None), "headers", None))
        generation = self.generation
        assembly = ResponseAssembly if self.shape == "responses" else Assembly
        record = StreamRecord(
            generation,
            generation._timing,
            assembly(
                generation,
                keeps_text=generation._records_content,
                max_characters=generation._max_attribute_bytes,
            ),
            self._end,
            withholds_usage=self._withholds_usage,
        )
        return (RecordedAsyncStream if is_async else RecordedStream)(stream, record)

    def _end(self, error: BaseException | None, is_abandoned: bool) -> None:
        if error is not None:
            self.generation.error(error)
        if is_abandoned:
            self.generation._facts[attributes.CLIENT_DISCONNECTED] = True
        self.generation._end()
