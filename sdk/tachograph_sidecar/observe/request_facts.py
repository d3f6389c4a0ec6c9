"""What a request asks for, read from the copy of its body."""

import json
import re
from collections.abc import Mapping

from tachograph.semconv import attributes
from tachograph_sidecar.observe.bounded import BoundedCopy

AttributeValue = str | bool | int | float | list[str]
AttributeMap = dict[str, AttributeValue]

# In JSON text a quote inside a string is escaped, so this cannot match inside a prompt.
_MODEL = re.compile(rb'(?<!\\)"model"\s*:\s*"([^"\\]{1,512})"')
_STREAM = re.compile(rb'(?<!\\)"stream"\s*:\s*true')

_NUMBERS = {
    "temperature": attributes.REQUEST_TEMPERATURE,
    "top_p": attributes.REQUEST_TOP_P,
    "frequency_penalty": attributes.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": attributes.REQUEST_PRESENCE_PENALTY,
}
_INTEGERS = {
    "top_k": attributes.REQUEST_TOP_K,
    "seed": attributes.REQUEST_SEED,
    "n": attributes.REQUEST_CHOICE_COUNT,
    "max_tokens": attributes.REQUEST_MAX_TOKENS,
    "max_completion_tokens": attributes.REQUEST_MAX_TOKENS,
    "max_output_tokens": attributes.REQUEST_MAX_TOKENS,  # Responses API
    "n_predict": attributes.REQUEST_MAX_TOKENS,  # llama.cpp
    "num_predict": attributes.REQUEST_MAX_TOKENS,  # Ollama
}


def read_request(body: BoundedCopy) -> Mapping[str, object] | None:
    """The request as a JSON object, or None where the copy is cut or is not one."""
    if body.is_cut:
        return None
    try:
        request = json.loads(body.head)
    except (ValueError, RecursionError):
        return None
    return request if isinstance(request, dict) else None


def request_attributes(request: Mapping[str, object]) -> AttributeMap:
    """Model and parameters of a whole request. Values of the wrong type are left out."""
    found: AttributeMap = {}
    model = request.get("model")
    if isinstance(model, str) and model:
        found[attributes.REQUEST_MODEL] = model[:512]
    stream = request.get("stream")
    if isinstance(stream, bool):
        found[attributes.REQUEST_STREAM] = stream
    options = request.get("options")  # Ollama keeps parameters there
    for source in (request, options if isinstance(options, dict) else {}):
        for field, name in _NUMBERS.items():
            value = source.get(field)
            if isinstance(value, int | float) and not isinstance(value, bool):
                found[name] = float(value)
        for field, name in _INTEGERS.items():
            value = source.get(field)
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
                found[name] = value
    output_format = request.get("response_format")
    text = request.get("text")  # the Responses API keeps it there
    if output_format is None and isinstance(text, dict):
        output_format = text.get("format")
    if isinstance(output_format, dict) and isinstance(output_format.get("type"), str):
        is_text = output_format["type"] == "text"
        found[attributes.OUTPUT_TYPE] = "text" if is_text else "json"
    return found


def stop_sequences(request: Mapping[str, object]) -> list[str]:
    """The texts that end generation; people wrote them, so they count as content."""
    options = request.get("options")
    stop = request.get("stop", options.get("stop") if isinstance(options, dict) else None)
    stop = request.get("stop_sequences", stop)  # Messages API
    texts = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    return [text[:256] for text in texts[:16] if isinstance(text, str)]


def attributes_of_cut(body: BoundedCopy) -> AttributeMap:
    """What can be told of a request too long to keep: its model and whether it streams."""
    found: AttributeMap = {}
    ends = body.head + b"\n" + body.tail
    models = _MODEL.findall(ends)
    if models:
        found[attributes.REQUEST_MODEL] = models[-1].decode("utf-8", "replace")
    if _STREAM.search(ends):
        found[attributes.REQUEST_STREAM] = True
    return found
