"""Captured text made safe to look at.

Three dangers: markup (pages show captured text in plain-text elements only, never in labels,
captions or messages, which Streamlit renders as Markdown), characters that reorder or hide text
(`visible` shows them as ␣U+202E), and size (`bounded`).
"""

import re
import unicodedata

MAX_CHARS = 20_000
"""Longest text that a page sends to the browser at once."""

# What has no shape of its own although its category is not a control: fillers and tag-like marks.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_KEPT = frozenset("\n\t")
_ZERO_WIDTH_JOINER = "\u200d"
_VARIATION_SELECTORS_SUPPLEMENT = range(0xE0100, 0xE01F0)
_ORDINARY = re.compile(r"[\n\t\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff]*\Z")


def visible(text: str) -> str:
    """The text with bidi controls, zero-width and other unseen characters written out.

    Line breaks and tabs stay, carriage returns of a CRLF go. A joiner inside an emoji stays.
    """
    if _ORDINARY.match(text):
        return text
    text = text.replace("\r\n", "\n")
    return "".join(
        f"␣U+{ord(char):04X}" if _is_hidden(text, index) else char
        for index, char in enumerate(text)
    )


def one_line(text: str, limit: int = 200) -> str:
    """`visible` on a single line of at most `limit` characters."""
    return bounded(" ".join(visible(text[: limit * 4]).split()), limit)


def bounded(text: str, limit: int = MAX_CHARS) -> str:
    """The first `limit` characters, with an ellipsis when some were left out."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _is_hidden(text: str, index: int) -> bool:
    char = text[index]
    if char in _KEPT:
        return False
    if char in _BLANK or ord(char) in _VARIATION_SELECTORS_SUPPLEMENT:
        return True
    if unicodedata.category(char) not in _HIDDEN_CATEGORIES:
        return False
    return not (char == _ZERO_WIDTH_JOINER and _joins_emoji(text, index))


def _joins_emoji(text: str, index: int) -> bool:
    before = text[index - 1] if index else ""
    after = text[index + 1] if index + 1 < len(text) else ""
    return _is_emoji(before) and _is_emoji(after)


def _is_emoji(char: str) -> bool:
    return char != "" and (char in "\ufe0f\u20e3" or unicodedata.category(char) in ("So", "Sk"))
