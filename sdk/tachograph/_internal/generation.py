"""A model call being recorded: what applications hold in `with tachograph.generation(...)`."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tachograph._internal.documents import document_text
from tachograph._internal.errors import contain, contained
from tachograph._internal.facts import current_facts
from tachograph._internal.spans import CLIENT, Span
from tachograph._internal.stream_timing import StreamTiming
from tachograph.semconv import attributes
from tachograph.types import CaptureMode, Document, Messages

REQUEST_ATTRIBUTES: Mapping[str, str] = {
    "temperature": attributes.REQUEST_TEMPERATURE,
    "top_p": attributes.REQUEST_TOP_P,
    "top_k": attributes.REQUEST_TOP_K,
    "max_tokens": attributes.REQUEST_MAX_TOKENS,
    "max_completion_tokens": attributes.REQUEST_MAX_TOKENS,
    "max_output_tokens": attributes.REQUEST_MAX_TOKENS,
    "seed": attributes.REQUEST_SEED,
    "n": attributes.REQUEST_CHOICE_COUNT,
    "frequency_penalty": attributes.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": attributes.REQUEST_PRESENCE_PENALTY,
}
"""Request parameter, as OpenAI-compatible engines name it -> attribute."""

_MAX_STOPS: Final = 16


class Generation(Span):
    """One call of a model.

    Set `messages` (or `prompt`) before the call and `completion` after it; say how many tokens
    it used; call `first_chunk()` and `chunk()` as a streamed answer arrives. What is not said
    stays unknown: it is never counted as 0.
    """

    __slots__ = ("_completion", "_documents", "_messages", "_stops", "_timing")

    _kind = CLIENT

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
        facts = self._facts
        facts[attributes.OPERATION_NAME] = operation
        facts[attributes.REQUEST_MODEL] = model
        if provider is not None:
            facts[attributes.PROVIDER_NAME] = provider
        self._stops: list[str] | None = None
        if parameters is not None:
            with contained("reading request parameters"):
                self._read_parameters(parameters)
        self._messages: Messages | None = None
        self._completion: Messages | None = None
        self._documents: list[str] | None = None
        self._timing = StreamTiming()

    @property
    def messages(self) -> Messages | None:
        """What the model was asked: chat messages, or a text that counts as the user's."""
        return self._messages

    @messages.setter
    def messages(self, messages: Messages) -> None:
        self._messages = messages
        self._put(attributes.INPUT_MESSAGES, "user_messages", messages)

    @property
    def prompt(self) -> Messages | None:
        """The same as `messages`, for models that take a plain text."""
        return self._messages

    @prompt.setter
    def prompt(self, prompt: Messages) -> None:
        self.messages = prompt

    @property
    def completion(self) -> Messages | None:
        """What the model answered: a text, one message or several (one a choice)."""
        return self._completion

    @completion.setter
    def completion(self, completion: Messages) -> None:
        self._completion = completion
        self._put(attributes.OUTPUT_MESSAGES, "assistant_messages", completion)

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
        if self._is_ended:
            return
        try:
            facts = self._facts
            if input_tokens is not None and (count := int(input_tokens)) >= 0:
                facts[attributes.USAGE_INPUT_TOKENS] = count
            if output_tokens is not None and (count := int(output_tokens)) >= 0:
                facts[attributes.USAGE_OUTPUT_TOKENS] = count
            if cached_input_tokens is not None and (count := int(cached_input_tokens)) >= 0:
                facts[attributes.USAGE_CACHE_READ_INPUT_TOKENS] = count
            if reasoning_tokens is not None and (count := int(reasoning_tokens)) >= 0:
                facts[attributes.USAGE_REASONING_OUTPUT_TOKENS] = count
        except Exception as error:  # noqa: BLE001 - see tachograph._internal.errors
            contain(error, "recording usage")

    def response(
        self,
        *,
        id: str | None = None,
        model: str | None = None,
        finish_reasons: Sequence[str] | None = None,
    ) -> None:
        """What the engine said of its answer: its id, the model that answered, why it ended."""
        if self._is_ended:
            return
        facts = self._facts
        if id is not None:
            facts[attributes.RESPONSE_ID] = id
        if model is not None:
            facts[attributes.RESPONSE_MODEL] = model
        if finish_reasons:
            facts[attributes.RESPONSE_FINISH_REASONS] = tuple(finish_reasons)

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
            if self._documents is None:
                self._documents = list(current_facts().documents or ())
            self._documents += [document_text(document) for document in documents]

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
            self._stops = [str(each) for each in stops[:_MAX_STOPS]]

    def _start(self) -> None:
        super()._start()
        if self._messages is not None:  # set before the `with` block
            self._put(attributes.INPUT_MESSAGES, "user_messages", self._messages)
        if self._documents is None and (documents := current_facts().documents):
            self._documents = list(documents)

    def _finish(self) -> None:
        if self._timing.has_chunks:
            self._facts.setdefault(attributes.REQUEST_STREAM, True)
            self._facts.update(self._timing.attributes())
        if self._stops:
            self._put(attributes.REQUEST_STOP_SEQUENCES, "texts", self._stops)
        if self._documents:
            self._put(attributes.EVALUATION_CONTEXT, "paragraphs", self._documents)


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


def note_perplexity(generation: Generation, log_probability: float | None, tokens: int) -> None:
    """Perplexity of an answer from the sum of the natural log-probabilities of its tokens."""
    if log_probability is None or tokens < 1 or not math.isfinite(log_probability):
        return
    exponent = -log_probability / tokens
    if 0.0 <= exponent < 700.0:  # exp() of more is no float
        generation._facts[attributes.RESPONSE_PERPLEXITY] = math.exp(exponent)
