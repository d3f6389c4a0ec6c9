"""The demo's webhook receiver: accepts an alert only when its Standard Webhooks signature is right.

https://www.standardwebhooks.com: HMAC-SHA256 over `{id}.{timestamp}.{body}` with the base64
secret behind `whsec_`; `webhook-signature` lists one or more `v1,<base64>`.
"""

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

_PREFIX: Final = "whsec_"
_TOLERANCE_S: Final = 300.0
_MAX_BODY_BYTES: Final = 256 * 1024
_MAX_EVENTS: Final = 1000


def new_secret() -> str:
    """A fresh signing secret."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def is_authentic(
    secret: str, message_id: str, timestamp: str, body: bytes, signatures: str, now_s: float
) -> bool:
    """Whether one of the signatures is ours and the message is not older than five minutes."""
    if not timestamp.isdecimal() or abs(now_s - int(timestamp)) > _TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
    return any(
        hmac.compare_digest(candidate.encode(), f"v1,{expected}".encode())
        for candidate in signatures.split()
    )


@dataclass(frozen=True)
class Alert:
    """One verified message."""

    message_id: str
    type: str  # e.g. io.tachograph.alert.firing.v1
    data: dict[str, Any]
    received_at: float  # seconds since the epoch


class AlertReceiver:
    """A loopback HTTP server in a thread; keeps what it verified, counts what it refused."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._lock = threading.Lock()
        self._alerts: dict[str, Alert] = {}  # by message id: a retried delivery is one alert
        self.refused = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 10

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                if not 0 < length <= _MAX_BODY_BYTES:
                    self.send_error(413)
                    return
                accepted = receiver.receive(dict(self.headers.items()), self.rfile.read(length))
                self.send_response(204 if accepted else 401)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Silent: the demo's own display tells what arrived."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/alerts"

    def receive(self, headers: dict[str, str], body: bytes) -> bool:
        """Verifies and keeps one message; False when it is not authentic or not JSON."""
        given = {name.lower(): value for name, value in headers.items()}
        message_id = given.get("webhook-id", "")
        authentic = is_authentic(
            self._secret,
            message_id,
            given.get("webhook-timestamp", ""),
            body,
            given.get("webhook-signature", ""),
            time.time(),
        )
        try:
            event = json.loads(body) if authentic else None
        except ValueError:
            event = None
        with self._lock:
            if not isinstance(event, dict) or len(self._alerts) >= _MAX_EVENTS:
                self.refused += 1
                return False
            data = event.get("data")
            alert = Alert(
                message_id=message_id,
                type=str(event.get("type", "")),
                data=data if isinstance(data, dict) else {},
                received_at=time.time(),
            )
            self._alerts.setdefault(message_id, alert)
        return True

    def alerts(self) -> list[Alert]:
        """Everything verified so far, in order of arrival."""
        with self._lock:
            return list(self._alerts.values())

    def first(self, state: str, after: float = 0.0) -> Alert | None:
        """The first alert of a state (`firing`, `resolved`) that arrived after a time."""
        for alert in self.alerts():
            if alert.received_at >= after and f".{state}." in f"{alert.type}.":
                return alert
        return None

    def is_firing(self) -> bool:
        """Whether the last alert told of a firing that has not resolved."""
        alerts = self.alerts()
        return bool(alerts) and ".firing." in f"{alerts[-1].type}."

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
