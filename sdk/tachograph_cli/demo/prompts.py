"""The questions that the demo asks, each with the passage that holds its answer."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

_FILE: Final = "prompts.jsonl"


@dataclass(frozen=True)
class Item:
    """One question. Passages were written for the demo; places and products are invented."""

    id: str
    domain: str
    question: str
    context: str
    answer: str  # what a good answer says, for people who read the file


def load_items() -> list[Item]:
    """All items, domains mixed so that neighbours in time differ."""
    text = files(__package__).joinpath(_FILE).read_text(encoding="utf-8")
    items = [Item(**json.loads(line)) for line in text.splitlines()]
    stride = 17  # prime to the number of items, so that every one comes once
    return [items[(index * stride) % len(items)] for index in range(len(items))]


def chat_messages(question: str, passage: str) -> list[dict[str, str]]:
    """The request to the model. The wording is the one a very small model follows best."""
    text = (
        f"Question: {question}\n\nText: {passage}\n\n"
        "Repeat the sentence of the text that answers the question."
    )
    return [{"role": "user", "content": text}]
