"""Messages as the OTel GenAI conventions write them, from requests and answers of every dialect."""

from collections.abc import Iterable, Mapping

from tachograph._internal.messages import Message, to_messages


def input_messages(request: Mapping[str, object]) -> list[Message]:
    """The messages of a chat request, or the prompt (OpenAI, Ollama, llama.cpp) as user text."""
    messages = request.get("messages")
    if isinstance(messages, list):
        return to_messages(messages)
    system = request.get("system")
    found = to_messages(system, role="system") if isinstance(system, str) and system else []
    for field in ("prompt", "input"):
        value = request.get(field)
        if isinstance(value, str):
            return found + to_messages(value)
        if isinstance(value, list):  # several texts, or token numbers, which say nothing to people
            return found + to_messages([item for item in value if isinstance(item, str)])
    return found


def output_message(
    text: str, reasoning: str, tool_calls: Iterable[Mapping[str, object]], finish_reason: str | None
) -> Message:
    """One choice of an answer."""
    said: dict[str, object] = {"role": "assistant", "tool_calls": list(tool_calls)}
    if text:
        said["content"] = text
    if reasoning:
        said["reasoning_content"] = reasoning
    if finish_reason is not None:
        said["finish_reason"] = finish_reason
    return to_messages(said)[0]
