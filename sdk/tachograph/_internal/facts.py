"""Who a call is for: tenant, user, session, variant, carried through threads of control."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from types import TracebackType

from tachograph.semconv import attributes
from tachograph.types import CaptureMode, Document


@dataclass(frozen=True, slots=True)
class Facts:
    """What `tachograph.context` has set around the current call; None: not set."""

    tenant: str | None = None
    user: str | None = None
    session: str | None = None
    variant: str | None = None
    capture: CaptureMode | None = None
    documents: tuple[Document, ...] | None = None

    def within(self, around: "Facts") -> "Facts":
        """These facts where they are set, the ones around where not."""
        return Facts(
            tenant=around.tenant if self.tenant is None else str(self.tenant),
            user=around.user if self.user is None else str(self.user),
            session=around.session if self.session is None else str(self.session),
            variant=around.variant if self.variant is None else str(self.variant),
            capture=around.capture
            if self.capture is None
            else lowest(self.capture, around.capture),
            documents=around.documents if self.documents is None else self.documents,
        )

    def attributes(self, capture: CaptureMode) -> dict[str, str]:
        """The span attributes of these facts under a capture mode."""
        found = {attributes.TENANT: self.tenant, attributes.VARIANT: self.variant}
        if capture != "off":
            found[attributes.USER_ID] = self.user
            found[attributes.SESSION_ID] = self.session
        return {name: value for name, value in found.items() if value is not None}


_facts: ContextVar[Facts] = ContextVar("tachograph_facts", default=Facts())  # noqa: B039 - frozen


def current_facts() -> Facts:
    """The facts of the calling thread or task."""
    return _facts.get()


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
        if isinstance(documents, str | Mapping):
            documents = [documents]
        found = None if documents is None else tuple(documents)
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
