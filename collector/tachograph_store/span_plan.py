"""What is to become of each span of a block, decided before the first of them is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tachograph_store.identities import Booking, Identity, SpanKey, StoredSpan

STORED: Final = "s"
"""Not there yet: sent."""
CORRECTION: Final = "c"
"""There with other content: sent as a new version, after which the old one is deleted."""
DUPLICATE: Final = "d"
"""There with the same content, or again in this block: not sent."""
SUPERSEDED: Final = "x"
"""A newer version with other content follows in this block: not sent, counted as a correction."""
REFUSED: Final = "r"
"""Sent, and refused by the engine for its content."""
FORGOTTEN: Final = "f"
"""Of a user who was forgotten (`forget_markers`): not sent, counted as stored and as forgotten."""


@dataclass(frozen=True, slots=True)
class SpanPlan:
    """One letter a row, and the version under which the rows are sent.

    A plan that is kept and carried out again, after a crash in its middle, stores nothing twice
    and says the same of each row.
    """

    fates: str
    version: int
    bookings: Mapping[int, Booking] = field(default_factory=dict)
    """Of each correction, by its index, where the books have the span already."""

    @property
    def sent(self) -> list[int]:
        """Indexes of the rows that are sent."""
        return [index for index, fate in enumerate(self.fates) if fate in (STORED, CORRECTION)]

    def without(self, forgotten: Sequence[int]) -> "SpanPlan":
        """The plan that sends none of these rows."""
        fates = list(self.fates)
        for index in forgotten:
            fates[index] = {STORED: FORGOTTEN, CORRECTION: SUPERSEDED}.get(
                fates[index], fates[index]
            )
        return replace(self, fates="".join(fates)) if forgotten else self


def plan_spans(
    keys: Sequence[SpanKey], known: Mapping[Identity, StoredSpan], version: int
) -> SpanPlan:
    """The plan for a block; `version` is raised above that of every known span it meets."""
    identities = [key.identity for key in keys]
    newest = dict(zip(identities, range(len(keys)), strict=True))
    if not known and len(newest) == len(keys):  # as nearly all blocks
        return SpanPlan(STORED * len(keys), version)
    fates: list[str] = []
    for index, (key, identity) in enumerate(zip(keys, identities, strict=True)):
        last = newest[identity]
        stored = known.get(identity)
        if last != index:
            is_same = key.content_hash == keys[last].content_hash
            fates.append(DUPLICATE if is_same else SUPERSEDED)
        elif stored is None:
            fates.append(STORED)
        elif stored.content_hash == key.content_hash:
            fates.append(DUPLICATE)
        else:
            fates.append(CORRECTION)
    above = max((span.version + 1 for span in known.values()), default=0)
    return SpanPlan("".join(fates), max(version, above), bookings_of("".join(fates), keys, known))


def bookings_of(
    fates: str, keys: Sequence[SpanKey], known: Mapping[Identity, StoredSpan]
) -> dict[int, Booking]:
    """Of each correction, by its index, where the books have the span already."""
    return {
        index: known[keys[index].identity].booking
        for index, fate in enumerate(fates)
        if fate == CORRECTION and keys[index].identity in known
    }


def resumed_plan(
    fates: str,
    version: int,
    keys: Sequence[SpanKey],
    known: Mapping[Identity, StoredSpan],
    own: tuple[str, int],
) -> tuple[SpanPlan, list[int]]:
    """The plan whose fates and version an earlier attempt kept, and its rows that must be sent.

    Between that attempt and this one another collector may have stored the same spans: what has a
    booking other than `own` (books and block) is that one's, and here it is a duplicate. What was
    to be corrected and is gone meanwhile is new.
    """
    letters = list(fates)
    unsent: list[int] = []
    for index, fate in enumerate(fates):
        stored = known.get(keys[index].identity)
        if stored is None:
            if fate in (STORED, CORRECTION):
                letters[index] = STORED
                unsent.append(index)
        elif fate == STORED and stored.booking[:2] != own:
            is_same = stored.content_hash == keys[index].content_hash
            letters[index] = DUPLICATE if is_same else SUPERSEDED
        elif fate == CORRECTION and stored.version < version:
            unsent.append(index)
    plan = SpanPlan("".join(letters), version, bookings_of("".join(letters), keys, known))
    return plan, unsent
