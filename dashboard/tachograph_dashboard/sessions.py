"""Who is logged in: a bounded table of sessions in this process's memory.

A session is a random token in an HttpOnly cookie; only its SHA-256 is kept, so that a dump of the
table opens nothing. The API key stays on the server: feedback is posted with it.
"""

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

COOKIE = "tachograph_session"
MAX_SESSIONS = 4096


@dataclass(frozen=True, slots=True)
class Identity:
    """What a session is bound to: one project and one role, as the collector said."""

    project: str
    role: str
    key_id: str | None = None
    api_key: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class _Session:
    identity: Identity
    ends_at: float  # monotonic seconds
    verified_at: float


class Sessions:
    """Thread-safe; holds `max_sessions` at most (the oldest goes first)."""

    def __init__(self, lifetime_s: float, max_sessions: int = MAX_SESSIONS) -> None:
        self._lifetime_s = lifetime_s
        self._max_sessions = max_sessions
        self._lock = threading.Lock()
        self._by_hash: OrderedDict[str, _Session] = OrderedDict()

    def open(self, identity: Identity) -> str:
        """Start a session and return its token, the only copy there is."""
        token = secrets.token_urlsafe(32)
        now = time.monotonic()
        with self._lock:
            self._by_hash[_hash(token)] = _Session(identity, now + self._lifetime_s, now)
            while len(self._by_hash) > self._max_sessions:
                self._by_hash.popitem(last=False)
        return token

    def get(self, token: str | None) -> Identity | None:
        """The identity behind a token; None when there is none, or it has ended."""
        if not token:
            return None
        key = _hash(token)
        with self._lock:
            session = self._by_hash.get(key)
            if session is None:
                return None
            if session.ends_at <= time.monotonic():
                del self._by_hash[key]
                return None
            return session.identity

    def due_for_check(self, token: str, interval_s: float) -> bool:
        """True once per `interval_s`: the caller then asks whether the key still stands."""
        now = time.monotonic()
        with self._lock:
            session = self._by_hash.get(_hash(token))
            if session is None or now - session.verified_at < interval_s:
                return False
            session.verified_at = now
            return True

    def close(self, token: str) -> None:
        """End a session; unknown tokens are no error."""
        with self._lock:
            self._by_hash.pop(_hash(token), None)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
