"""Messages that instrumentations send as log records: rows of `spans` below the span they belong to.

Such a row never counts, comes before its span or after it, and may be all that says what was answered.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from tachograph.semconv.values import GENERATIVE_OPERATIONS

DETAILS: Final = "gen_ai.client.inference.operation.details"
"""The event that has the whole conversation; the others have a message each."""

MESSAGE_EVENTS: Final = frozenset(
    {
        DETAILS,
        "gen_ai.system.message",
        "gen_ai.user.message",
        "gen_ai.assistant.message",
        "gen_ai.tool.message",
        "gen_ai.choice",
    }
)
"""Names of the rows that such events are."""

BEFORE: Final = timedelta(minutes=10)
"""How long before its span began a message may have been said (fragment `told_of_range`): a sender's
clocks for logs and spans are the same."""

AFTER: Final = timedelta(hours=1)
"""How long after that: the last message of a long stream."""

OF_EVENTS: Final[Mapping[str, Any]] = {"events": sorted(MESSAGE_EVENTS)}
"""Server-side parameters that tell these rows."""

OF_ANSWERS: Final[Mapping[str, Any]] = {**OF_EVENTS, "operations": sorted(GENERATIVE_OPERATIONS)}
"""Server-side parameters that tell the answers which evaluators may judge (fragment `judgeable`)."""
