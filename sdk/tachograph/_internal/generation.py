"""A model call being recorded: what applications hold in `with tachograph.generation(...)`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.trace import SpanKind

from tachograph._internal.documents import document_text
from tachograph._internal.errors import contained
from tachograph._internal.facts import current_facts
from tachograph._internal.messages import to_messages
from tachograph._internal.spans import Span
from tachograph._internal.stream_timing import StreamTiming
from tachograph.semconv import attributes
from tachograph.types import CaptureMode, Document, Messages

REQUEST_ATTRIBUTES: Mapping[str, str] = {
    "temperature": attributes.REQUEST_TEMPERATURE,
    "top_p": attributes.REQUEST_TOP_P,
    "top_k": attributes.REQUEST_TOP_K,
    "max_tokens": attributes.REQUEST_MAX_TOKENS,
    "max_completion_tokens": attributes.REQUEST_MAX_TOKENS,
    "seed": attributes.REQUEST_SEED,
    "n": attributes.REQUEST_CHOICE_COUNT,
    "frequency_penalty": attributes.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": attributes.REQUEST_PRESENCE_PENALTY,
}
"""Request parameter, as OpenAI-compatible engines name it -> attribute."""

MAX_STOPS: Final = 16
MAX_STOP_BYTES: Final = 1024


class Generation(Span):
    """One call of a model.

    Set `messages` (or `prompt`) before the call and `completion` after it; say how many tokens
    it used; call `first_chunk()` and `chunk()` as a streamed answer arrives. What is not said
    stays unknown: it is never counted as 0.
    """

    _kind = SpanKind.CLIENT

    def __init__(
        self,
        model: str,
        *,
        operation: str = "chat",
        provider: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        capture: CaptureMode | None = None,
    ) -> None:
        super().__init__(f"{operation} {model}", capture=capture)
        self._facts[attributes.OPERATION_NAME] = operation
        self._facts[attributes.REQUEST_MODEL] = model
        if provider is not None:
            self._facts[attributes.PROVIDER_NAME] = provider
        self._stops: list[str] = []
        with contained("reading request parameters"):
            self._read_parameters(parameters or {})
        self._messages: Messages | None = None
        self._completion: Messages | None = None
        self._documents: list[Document] = list(current_facts().documents or ())
        self._timing = StreamTiming()

    @property
    def messages(self) -> Messages | None:
        """What the model was asked: chat messages, or a text that counts as the user's."""
        return self._messages

    @messages.setter
    def messages(self, messages: Messages) -> None:
        self._messages = messages

    @property
    def prompt(self) -> Messages | None:
        """The same as `messages`, for models that take a plain text."""
        return self._messages

    @prompt.setter
    def prompt(self, prompt: Messages) -> None:
        self._messages = prompt

    @property
    def completion(self) -> Messages | None:
        """What the model answered: a text, one message or several (one a choice)."""
        return self._completion

    @completion.setter
    def completion(self, completion: Messages) -> None:
        self._completion = completion

    def usage(
        self,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cached_input_tokens: int | None = None,
        reasoning_tokens: int | None = None,
    ) -> None:
        """Token counts as the engine reports them.

        `cached_input_tokens` are a part of `input_tokens`, `reasoning_tokens` of `output_tokens`.
        """
        counts = {
            attributes.USAGE_INPUT_TOKENS: input_tokens,
            attributes.USAGE_OUTPUT_TOKENS: output_tokens,
            attributes.USAGE_CACHE_READ_INPUT_TOKENS: cached_input_tokens,
            attributes.USAGE_REASONING_OUTPUT_TOKENS: reasoning_tokens,
        }
        with contained("recording usage"):
            for name, count in counts.items():
                if count is not None and int(count) >= 0:
                    self._facts[name] = int(count)

    def response(
        self,
        *,
        id: str | None = None,
        model: str | None = None,
        finish_reasons: Sequence[str] | None = None,
    ) -> None:
        """What the engine said of its answer: its id, the model that answered, why it ended."""
        if id is not None:
            self._facts[attributes.RESPONSE_ID] = id
        if model is not None:
            self._facts[attributes.RESPONSE_MODEL] = model
        if finish_reasons:
            self._facts[attributes.RESPONSE_FINISH_REASONS] = list(finish_reasons)

    def first_chunk(self) -> None:
        """The first part of the answer is here (the same as the first call of `chunk`)."""
        self.chunk()

    def chunk(self) -> None:
        """A part of the answer is here; call it once for each."""
        self._timing.chunk()

    def context(self, documents: Document | Sequence[Document]) -> None:
        """What the answer may rely on: a text, or documents. Grounding is judged against it."""
        with contained("recording a context"):
            if isinstance(documents, str | Mapping):
                documents = [documents]
            self._documents.extend(documents)

    def _read_parameters(self, parameters: Mapping[str, Any]) -> None:
        for name, attribute in REQUEST_ATTRIBUTES.items():
            value = parameters.get(name)
            if isinstance(value, bool):
                continue
            if isinstance(value, int | float):
                self._facts[attribute] = value
        stop = parameters.get("stop")
        if isinstance(stop, str | list | tuple):
            # Somebody's text: recorded at the end, as content is.
            stops = [stop] if isinstance(stop, str) else stop
            self._stops = [str(each) for each in stops[:MAX_STOPS]]

    def _finish(self) -> None:
        if self._timing.has_chunks:
            self._facts.setdefault(attributes.REQUEST_STREAM, True)
        self._facts.update(self._timing.attributes())
        if not self._records_content:
            return
        if self._stops:
            name = attributes.REQUEST_STOP_SEQUENCES
            self._facts[name] = [self._text(stop, name, MAX_STOP_BYTES) for stop in self._stops]
        self._put_messages(attributes.INPUT_MESSAGES, self._messages, "user")
        self._put_messages(attributes.OUTPUT_MESSAGES, self._completion, "assistant")
        if self._documents:
            texts = [document_text(document) for document in self._documents]
            self._put_text(attributes.EVALUATION_CONTEXT, "\n\n".join(texts))

    def _put_messages(self, name: str, messages: Messages | None, role: str) -> None:
        with contained(f"recording {name}"):
            if messages is not None:
                self._put_json(name, to_messages(messages, role=role))


def generation(
    model: str,
    *,
    operation: str = "chat",
    provider: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    capture: CaptureMode | None = None,
) -> Generation:
    """Record one call of a model that no wrapper covers.

        with tachograph.generation(model="llama-3-8b", provider="vllm") as g:
            g.messages = [{"role": "user", "content": question}]
            answer = call_the_model(question)
            g.completion = answer.text
            g.usage(input_tokens=answer.n_in, output_tokens=answer.n_out)

    `operation` is `chat`, `text_completion`, `embeddings` or another name of the GenAI
    conventions; `parameters` may hold temperature, max_tokens and so on. Retrieved documents go
    to `g.context(...)`.
    """
    return Generation(
        model, operation=operation, provider=provider, parameters=parameters, capture=capture
    )
