"""Cut texts to a number of bytes, visibly."""

from typing import Final

MARKER: Final = "…[truncated {} bytes]"
"""Ends every text that was cut."""

_MARKER_ROOM: Final = len(MARKER.format(10**12).encode())


def well_formed(text: str) -> str:
    """`text` with lone surrogates, which have no UTF-8 form, replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def truncated(text: str, max_bytes: int) -> tuple[str, bool]:
    """`text` in at most `max_bytes` bytes of UTF-8, and whether it had to be cut.

    Never cuts inside a character. Below the size of the marker itself the marker is left out.
    """
    if len(text) * 4 <= max_bytes:
        return text, False
    encoded = text.encode(errors="replace")
    if len(encoded) <= max_bytes:
        return text, False
    room = max_bytes - _MARKER_ROOM
    if room < 0:
        return encoded[: max(0, max_bytes)].decode(errors="ignore"), True
    kept = encoded[:room].decode(errors="ignore")
    return kept + MARKER.format(len(encoded) - len(kept.encode())), True
