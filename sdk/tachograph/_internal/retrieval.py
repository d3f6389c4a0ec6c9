"""A search for documents being recorded."""

from collections.abc import Sequence

from tachograph._internal.documents import described
from tachograph._internal.errors import contained
from tachograph._internal.spans import CLIENT, Span
from tachograph.semconv import attributes
from tachograph.types import CaptureMode, Document


class Retrieval(Span):
    """One search. Set `documents` to what it found: texts, or mappings with `content` and, where
    known, `id` and `score`."""

    __slots__ = ("_documents", "_query")

    _kind = CLIENT

    def __init__(
        self, query: str, *, source: str | None = None, capture: CaptureMode | None = None
    ) -> None:
        super().__init__(f"retrieval {source}" if source else "retrieval", capture=capture)
        self._facts[attributes.OPERATION_NAME] = "retrieval"
        if source is not None:
            self._facts[attributes.DATA_SOURCE_ID] = source
        self._query = query
        self._documents: Sequence[Document] | None = None

    @property
    def documents(self) -> Sequence[Document] | None:
        """What was found; None when nothing was said."""
        return self._documents

    @documents.setter
    def documents(self, documents: Sequence[Document]) -> None:
        self._documents = documents
        with contained("recording a retrieval"):
            found = [described(document) for document in documents]
            self._put(attributes.RETRIEVAL_DOCUMENTS, "json", found)

    def _start(self) -> None:
        super()._start()
        self._put(attributes.RETRIEVAL_QUERY_TEXT, "text", self._query)
        if self._documents is not None:  # set before the `with` block
            self.documents = self._documents


def retrieval(
    query: str, *, source: str | None = None, capture: CaptureMode | None = None
) -> Retrieval:
    """Record a search for documents.

        with tachograph.retrieval(question, source="handbook") as r:
            r.documents = index.search(question)

    `source` names the index or collection that is searched.
    """
    return Retrieval(query, source=source, capture=capture)
