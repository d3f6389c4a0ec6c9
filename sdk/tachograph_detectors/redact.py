"""Redaction: what was found is replaced by its type, or by a keyed hash that tells equals apart.

>>> Redactor.of(["email"]).text("write to ada@example.org")
'write to <EMAIL>'
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tachograph_detectors.finding import CATEGORIES, Category, Finding
from tachograph_detectors.scan import detect

MIN_CONFIDENCE: Final = 0.5
"""Findings below it stay: a loopback address says where a service runs, not who somebody is."""

MIN_KEY_BYTES: Final = 16

_HASH_CHARS: Final = 12
_LETTERS: Final = str.maketrans("0123456789abcdef", "abcdefghijklmnop")  # no digits: no new number
_MAX_DEPTH: Final = 64


def types_of(names: Iterable[str]) -> frozenset[str]:
    """The finding types that `names` mean: types themselves, or categories ("pii", "secret").

    Raises ValueError naming what is neither, and what there is.
    """
    found: set[str] = set()
    for name in names:
        of_category = {kind for kind, category in CATEGORIES.items() if category == name}
        if not of_category and name not in CATEGORIES:
            known = ", ".join(sorted({*CATEGORIES, *CATEGORIES.values()}))
            raise ValueError(f"{name!r} is no type that can be redacted; there are: {known}")
        found |= of_category or {name}
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Redactor:
    """Replaces findings of some types; immutable, safe to share between threads."""

    types: frozenset[str]
    categories: tuple[Category, ...]
    key: bytes | None = None
    """With a key a mark is `<EMAIL:kfdnbmpaolci>`: the same value has the same mark (HMAC-SHA-256,
    48 bits), and who lacks the key cannot try values out."""

    @classmethod
    def of(cls, names: Iterable[str], key: bytes | None = None) -> "Redactor":
        """A redactor for types or categories by name. Raises ValueError for unknown ones, and for a
        key of fewer than 16 bytes."""
        if key is not None and len(key) < MIN_KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes; give at least {MIN_KEY_BYTES}")
        types = types_of(names)
        categories = sorted({CATEGORIES[kind] for kind in types})
        return cls(types, tuple(categories), key)

    def findings(self, text: str) -> list[Finding]:
        """What is replaced in `text`, in order."""
        return [
            finding
            for finding in detect(text, self.categories)
            if finding.type in self.types and finding.confidence >= MIN_CONFIDENCE
        ]

    def mark(self, kind: str, value: str) -> str:
        """What stands for a value."""
        if self.key is None:
            return f"<{kind.upper()}>"
        digest = hmac.new(self.key, value.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"<{kind.upper()}:{digest.hexdigest()[:_HASH_CHARS].translate(_LETTERS)}>"

    def text(self, text: str) -> str:
        """`text` with every finding replaced."""
        return self.replaced(text, self.findings(text))

    def replaced(self, text: str, findings: Sequence[Finding]) -> str:
        """`text` with these findings replaced."""
        if not findings:
            return text
        pieces: list[str] = []
        position = 0
        for finding in findings:
            value = text[finding.start : finding.stop]
            pieces += (text[position : finding.start], self.mark(finding.type, value))
            position = finding.stop
        pieces.append(text[position:])
        return "".join(pieces)

    def json_text(self, text: str) -> str:
        """`text` redacted inside its strings where it is JSON (an escape would hide a value or be
        torn apart), else as plain text."""
        if text[:1] not in ("{", "[", '"'):
            return self.text(text)
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return self.text(text)
        redacted = walk(value, self.text)
        if redacted == value:
            return text
        return json.dumps(redacted, ensure_ascii=False, separators=(",", ":"))


def walk(
    value: Any, change: Callable[[str], str], keep: Collection[str] = frozenset(), depth: int = 0
) -> Any:
    """A JSON value with every string changed, keys too; what stands under a key in `keep` stays.

    What lies deeper than 64 levels is left out: nobody can read it either.
    """
    if isinstance(value, str):
        return change(value)
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, list):
        return [walk(item, change, keep, depth + 1) for item in value]
    if isinstance(value, dict):
        return {
            change(key): item if key in keep else walk(item, change, keep, depth + 1)
            for key, item in value.items()
        }
    return value
