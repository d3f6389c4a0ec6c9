"""Redaction of a text that arrives in pieces: what was found split over pieces is caught too.

The newest characters wait until enough follows them, so that whatever begins in what is passed on
also ends there. What already went is remembered for a while: patterns look behind themselves.
"""

import re
from typing import Final

from tachograph_detectors.finding import Finding
from tachograph_detectors.redact import Redactor

WINDOW_CHARS: Final = 256
"""Characters that wait: the longest e-mail address, account number or name, and what tells it."""

MAX_HELD_CHARS: Final = 16_384
"""A finding, or a run without blanks, that grows beyond this is passed on as one mark."""

_BEHIND_CHARS: Final = 128
_KEY_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,64}-----")
_KEY_END_CHARS: Final = 80


class StreamRedactor:
    """Redacts one text fed piece by piece.

    Args:
        redactor: what is replaced.
        window: characters that wait.
        escapes: the text is the inside of JSON, where a finding may not begin within an escape.
    """

    def __init__(
        self, redactor: Redactor, window: int = WINDOW_CHARS, *, escapes: bool = False
    ) -> None:
        self._redactor = redactor
        self._window = window
        self._escapes = escapes
        self._behind = ""  # the end of what went, as it came
        self._held = ""
        self._swallows: str | None = None  # the type of a finding whose end has not come
        self._due_chars = window + 1  # looked at again when so much waits: work stays linear

    def feed(self, piece: str) -> str:
        """Take a piece; return what may go on."""
        self._held += piece
        if self._swallows is not None and not self._swallow():
            return ""
        if len(self._held) < self._due_chars:
            return ""
        self._due_chars = self._window + 1
        findings = self._findings()
        cut = self._cut(len(self._held) - self._window, findings)
        if cut > 0:
            return self._pass(cut, findings)
        if len(self._held) <= MAX_HELD_CHARS:
            self._due_chars = len(self._held) * 3 // 2
            return ""
        return self._overflow(findings)

    def finish(self) -> str:
        """The rest, when no piece follows."""
        if self._swallows is not None and not self._swallow():
            self._held = ""
        return self._pass(len(self._held), self._findings())

    def _findings(self) -> list[Finding]:
        """What is found in the held text, offsets in it."""
        text = self._behind + self._held
        shift = len(self._behind)
        found: list[Finding] = []
        for finding in self._redactor.findings(text):
            start, stop = finding.start - shift, finding.stop - shift
            if stop <= 0:
                continue
            start = max(0, start)
            if self._escapes and _is_escaped(self._behind, self._held, start):
                start += 1
            if start < stop:
                found.append(Finding(start, stop, finding.type, finding.confidence))
        return found

    def _cut(self, cut: int, findings: list[Finding]) -> int:
        """The last place up to `cut` that tears nothing apart: before a blank, outside findings."""
        while cut > 0 and not self._held[cut].isspace():
            cut -= 1
        for finding in reversed(findings):
            if finding.start < cut <= finding.stop:
                cut = finding.start
        return cut

    def _pass(self, cut: int, findings: list[Finding]) -> str:
        gone = self._held[:cut]
        passed = self._redactor.replaced(gone, [f for f in findings if f.stop <= cut])
        self._behind = (self._behind + gone)[-_BEHIND_CHARS:]
        self._held = self._held[cut:]
        return passed

    def _overflow(self, findings: list[Finding]) -> str:
        """More than may wait: what is found goes as a mark, and its tail is dropped as it comes."""
        last = findings[-1] if findings else None
        if last is not None and last.stop >= len(self._held) - 1:
            self._swallows = last.type
            return self._pass(len(self._held), findings)
        cut = len(self._held) - self._window
        for finding in findings:
            if finding.start < cut < finding.stop:
                cut = finding.stop
        return self._pass(cut, findings)

    def _swallow(self) -> bool:
        """Drop what belongs to the finding that outgrew the window; True when its end came."""
        if self._swallows == "private_key":
            end = _KEY_END.search(self._held)
            if end is None:
                self._held = self._held[-_KEY_END_CHARS:]
                return False
            self._held = self._held[end.end() :]
        else:
            rest = self._held.lstrip("".join(set(self._held) - set(" \t\r\n\"'<>,;")))
            if not rest:
                self._held = ""
                return False
            self._held = rest
        self._swallows = None
        self._behind = ""
        return True


def _is_escaped(behind: str, held: str, start: int) -> bool:
    """Whether an odd number of backslashes stands before `start`."""
    before = behind + held[:start]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1
