"""Who a call is for: tenant, user, session, variant, carried through threads of control."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from types import TracebackType

from tachograph._internal.documents import document_text
from tachograph._internal.errors import contained
from tachograph.semconv import attributes
from tachograph.types import CaptureMode, Document


class Facts:
    """What `tachograph.context` has set around the current call; None: not set. Not to be
    changed once made."""

    __slots__ = (
        "_with_people",
        "_without_people",
        "capture",
        "documents",
        "session",
        "tenant",
        "user",
        "variant",
    )

    def __init__(
        self,
        tenant: str | None = None,
        user: str | None = None,
        session: str | None = None,
        variant: str | None = None,
        capture: CaptureMode | None = None,
        documents: tuple[str, ...] | None = None,
    ) -> None:
        self.tenant = tenant
        self.user = user
        self.session = session
        self.variant = variant
        self.capture = capture
        self.documents = documents
        self._without_people: dict[str, str] | None = None
        self._with_people: dict[str, str] | None = None

    def within(self, around: "Facts") -> "Facts":
        """These facts where they are set, the ones around where not."""
        capture = self.capture
        return Facts(
            around.tenant if self.tenant is None else str(self.tenant),
            around.user if self.user is None else str(self.user),
            around.session if self.session is None else str(self.session),
            around.variant if self.variant is None else str(self.variant),
            around.capture if capture is None else lowest(capture, around.capture),
            around.documents if self.documents is None else self.documents,
        )

    def attributes(self, capture: CaptureMode) -> Mapping[str, str]:
        """The span attributes of these facts under a capture mode; made once, not to be
        changed."""
        if capture == "off":
            if self._without_people is None:
                self._without_people = _present(
                    {attributes.TENANT: self.tenant, attributes.VARIANT: self.variant}
                )
            return self._without_people
        if self._with_people is None:
            self._with_people = _present(
                {
                    attributes.TENANT: self.tenant,
                    attributes.VARIANT: self.variant,
                    attributes.USER_ID: self.user,
                    attributes.SESSION_ID: self.session,
                }
            )
        return self._with_people


def _present(pairs: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in pairs.items() if value is not None}


_NOTHING = Facts()
_facts: ContextVar[Facts] = ContextVar("tachograph_facts", default=_NOTHING)
current_facts = _facts.get
"""The facts of the calling thread or task."""


class context:
    """Mark everything recorded inside with who it is for.

        with tachograph.context(tenant="acme", user="u-17", session="s-3", variant="prompt-b"):
            answer(question)

    Holds for the current thread or asyncio task and for tasks started inside; nested uses add to
    what is around them. `capture` can only lower what is recorded, for this part of the program.
    `documents` are what model calls inside may rely on: the context that grounding is judged by.
    """

    def __init__(
        self,
        *,
        tenant: str | None = None,
        user: str | None = None,
        session: str | None = None,
        variant: str | None = None,
        capture: CaptureMode | None = None,
        documents: Document | Sequence[Document] | None = None,
    ) -> None:
        found = None
        if documents is not None:
            with contained("reading documents"):
                if isinstance(documents, str | Mapping):
                    documents = [documents]
                found = tuple(document_text(document) for document in documents)
        self._inside = Facts(tenant, user, session, variant, capture, found)
        self._tokens: list[Token[Facts]] = []

    def __enter__(self) -> None:
        self._tokens.append(_facts.set(self._inside.within(_facts.get())))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        token = self._tokens.pop()
        try:
            _facts.reset(token)
        except ValueError:  # an async generator was closed from another task: its context is gone
            pass


_RANK: dict[CaptureMode, int] = {"off": 0, "metadata": 1, "full": 2}


def lowest(mode: CaptureMode, other: CaptureMode | None) -> CaptureMode:
    """The more private of two capture modes; anything unknown counts as `off`."""
    if mode not in _RANK:
        return "off"
    if other is None:
        return mode
    return mode if _RANK[mode] <= _RANK.get(other, 0) else other
