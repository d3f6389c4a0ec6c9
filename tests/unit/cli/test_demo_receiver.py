"""The receiver believes only what is signed; the vector is Standard Webhooks' own."""

import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tachograph_cli.demo.receiver import AlertReceiver, is_authentic, new_secret

# The example of the Standard Webhooks specification and its reference libraries.
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
_TIMESTAMP = "1614265330"
_BODY = b'{"test": 2432232314}'
_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_vector() -> None:
    now_s = float(_TIMESTAMP)
    assert is_authentic(_SECRET, _ID, _TIMESTAMP, _BODY, _SIGNATURE, now_s)
    assert is_authentic(_SECRET, _ID, _TIMESTAMP, _BODY, f"v1,AAAA {_SIGNATURE}", now_s)
    assert not is_authentic(_SECRET, _ID, _TIMESTAMP, _BODY + b" ", _SIGNATURE, now_s)
    assert not is_authentic(_SECRET, _ID + "x", _TIMESTAMP, _BODY, _SIGNATURE, now_s)
    assert not is_authentic(_SECRET, _ID, _TIMESTAMP, _BODY, "", now_s)
    assert not is_authentic(_SECRET, _ID, _TIMESTAMP, _BODY, _SIGNATURE, now_s + 301)
    assert not is_authentic(_SECRET, _ID, "soon", _BODY, _SIGNATURE, now_s)


@pytest.fixture
def secret() -> str:
    return new_secret()


@pytest.fixture
def receiver(secret: str) -> Iterator[AlertReceiver]:
    made = AlertReceiver(secret)
    yield made
    made.close()


def _post(receiver: AlertReceiver, secret: str, message_id: str, body: bytes) -> int:
    timestamp = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    request = urllib.request.Request(
        receiver.url,
        data=body,
        headers={
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_verified_alerts_are_kept_once(receiver: AlertReceiver, secret: str) -> None:
    body = json.dumps({"type": "io.tachograph.alert.firing.v1", "data": {"rule": "r"}}).encode()
    assert _post(receiver, secret, "msg_1", body) == 204
    assert _post(receiver, secret, "msg_1", body) == 204
    found = receiver.first("firing")
    assert found is not None
    assert found.data == {"rule": "r"}
    assert receiver.first("resolved") is None
    assert receiver.is_firing()
    body = json.dumps({"type": "io.tachograph.alert.resolved.v1", "data": {}}).encode()
    assert _post(receiver, secret, "msg_2", body) == 204
    assert not receiver.is_firing()
    assert receiver.first("firing", after=time.time() + 1) is None
    assert [alert.message_id for alert in receiver.alerts()] == ["msg_1", "msg_2"]


def test_a_wrong_signature_is_refused_and_counted(receiver: AlertReceiver) -> None:
    body = json.dumps({"type": "io.tachograph.alert.firing.v1", "data": {}}).encode()
    assert _post(receiver, new_secret(), "msg_1", body) == 401
    assert receiver.first("firing") is None
    assert receiver.refused == 1
