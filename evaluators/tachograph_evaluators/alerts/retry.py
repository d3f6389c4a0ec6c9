"""When a failed delivery is tried again."""

import random
from datetime import datetime, timedelta
from typing import Final

MINUTE_S: Final = 60
HOUR_S: Final = 3_600

RETRY_AFTER_S: Final = (
    5,
    5 * MINUTE_S,
    30 * MINUTE_S,
    2 * HOUR_S,
    5 * HOUR_S,
    10 * HOUR_S,
    14 * HOUR_S,
    20 * HOUR_S,
    24 * HOUR_S,
)
"""Seconds from the n-th failed attempt to the next; after the last one the delivery has failed."""

JITTER: Final = 0.1
"""Up to this share is added, so that messages that failed together do not return together."""


def next_attempt_at(
    attempts: int, now: datetime, retry_after_s: float | None = None
) -> datetime | None:
    """When to try again after `attempts` failed ones (1 or more); None to give up.

    A receiver's Retry-After makes it later, by a day at most, and never sooner.
    """
    if attempts > len(RETRY_AFTER_S):
        return None
    wait_s = RETRY_AFTER_S[attempts - 1] * (1 + JITTER * random.random())
    asked_s = min(retry_after_s or 0.0, RETRY_AFTER_S[-1])
    return now + timedelta(seconds=max(wait_s, asked_s))
