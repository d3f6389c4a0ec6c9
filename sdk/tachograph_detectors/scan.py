"""Run detectors over a text; mask what they find."""

from bisect import bisect_left
from collections.abc import Collection, Iterable

from tachograph_detectors import injection, persons, pii, secrets
from tachograph_detectors.finding import CATEGORIES, Category, Detector, Finding

_DETECTORS = (*secrets.DETECTORS, *pii.DETECTORS)
MASKED: tuple[Category, ...] = ("pii", "secret")
"""What `mask` removes unless told otherwise: an attack must stay readable, a key must not."""


def detect(text: str, categories: Collection[Category] | None = None) -> list[Finding]:
    """Find personal data, credentials and injection phrases in `text`.

    `categories` limits the search ("pii", "name", "secret", "injection"; None: all but "name",
    people and places, which are guessed from lists and surroundings rather than recognised).
    Findings come in order of position and never overlap: of two that would, the surer, then the
    longer stays.
    Runs in time linear in the length of the text.
    """
    found: list[Finding] = []
    for detector in _DETECTORS:
        if categories is None or CATEGORIES[detector.type] in categories:
            _run(detector, text, text, found)
    if categories is not None and "name" in categories:
        found += persons.find_persons(text)
        found += persons.find_places(text)
    if categories is None or "injection" in categories:
        lowered = text.lower()
        for detector in injection.DETECTORS:
            _run(detector, text, lowered, found)
    return _without_overlaps(found)


def mask(
    text: str,
    categories: Collection[Category] = MASKED,
    *,
    min_confidence: float = 0.5,
) -> str:
    """`text` with each finding of these categories replaced by its type, as in `[email]`.

    Findings below `min_confidence` stay. Masking a masked text changes nothing.
    """
    pieces: list[str] = []
    position = 0
    for finding in detect(text, categories):
        if finding.confidence >= min_confidence:
            pieces += (text[position : finding.start], f"[{finding.type}]")
            position = finding.stop
    pieces.append(text[position:])
    return "".join(pieces)


def _run(detector: Detector, text: str, haystack: str, found: list[Finding]) -> None:
    if detector.needles and not any(needle in haystack for needle in detector.needles):
        return
    for match in detector.pattern.finditer(text):
        start, stop = match.span(detector.group)
        confidence: float | None = detector.confidence
        if detector.check is not None:
            confidence = detector.check(match.group(detector.group))
        if confidence is not None and stop > start:
            found.append(Finding(start, stop, detector.type, confidence))


def _without_overlaps(found: Iterable[Finding]) -> list[Finding]:
    ranked = sorted(found, key=lambda f: (-f.confidence, f.start - f.stop, f.start))
    starts: list[int] = []
    kept: list[Finding] = []
    for finding in ranked:
        at = bisect_left(starts, finding.start)
        clear_before = at == 0 or kept[at - 1].stop <= finding.start
        clear_after = at == len(kept) or finding.stop <= kept[at].start
        if clear_before and clear_after:
            starts.insert(at, finding.start)
            kept.insert(at, finding)
    return kept
