"""Ordinary mails of people, to calibrate on: the ham of SpamAssassin (contents CC0, list PDDL)."""

import email
import random
import re
from email import policy
from email.message import EmailMessage
from typing import Final

FOLDERS: Final = ("data/easy-ham", "data/hard-ham")
_QUOTED: Final = (">", "|", "--", "__", "==")
_WORDS: Final = range(26, 220)


def is_mail(path: str) -> bool:
    """Whether a file of stdlib-js/datasets-spam-assassin is an ordinary mail."""
    return path.endswith(".txt") and path.startswith(FOLDERS)


def in_any_order(paths: list[str]) -> list[str]:
    """The paths shuffled: folders hold mails by date and list."""
    return random.Random(31).sample(paths, len(paths))


def body_of(content: bytes) -> str | None:
    """What a mail's writer said, without quotations; None where that is short, long or unreadable."""
    message = email.message_from_bytes(content, policy=policy.default)
    body = message.get_body(("plain",)) if isinstance(message, EmailMessage) else None
    if body is None:
        return None
    try:
        said = str(body.get_content())
    except (LookupError, ValueError):  # an unknown character set
        return None
    lines = [line for line in said.splitlines() if not line.startswith(_QUOTED)]
    text = re.sub(r"\s+", " ", "\n".join(lines)).strip()
    return text if len(text.split()) in _WORDS else None
