"""Retrieved documents: texts or mappings with `content`, `id`, `score`."""

from collections.abc import Mapping
from typing import Any

from tachograph.types import Document


def document_text(document: Document) -> str:
    """The text of a document."""
    if isinstance(document, Mapping):
        for name in ("content", "text", "page_content"):
            if isinstance(document.get(name), str):
                return str(document[name])
        return ""
    return str(document)


def described(document: Document) -> dict[str, Any]:
    """A document as `gen_ai.retrieval.documents` holds it: id, score, content."""
    found: dict[str, Any] = {}
    if isinstance(document, Mapping):
        if document.get("id") is not None:
            found["id"] = str(document["id"])
        score = document.get("score")
        if isinstance(score, int | float) and not isinstance(score, bool):
            found["score"] = float(score)
    found["content"] = document_text(document)
    return found
