"""Standard Webhooks signatures: `v1,` and the base64 HMAC-SHA256 of `{id}.{timestamp}.{body}`.

Source: the Standard Webhooks specification 1.0. A secret is `whsec_` and the base64 of 24 to 64
random bytes. Several secrets, separated by blanks, sign side by side while one replaces another.
"""

import base64
import binascii
import hashlib
import hmac
import os
import time
from collections.abc import Mapping
from typing import Final

from tachograph_evaluators.alerts.rules import Webhook

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
_LARGEST_SECRET_BYTES: Final = 4096


class SecretError(ValueError):
    """A secret that is missing or malformed; the message never holds it."""


def sign(secrets: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """The `webhook-signature` of exactly these bytes. Raises SecretError."""
    keys = [_key(secret) for secret in secrets.split()]
    if not keys:
        raise SecretError("the secret is empty; write whsec_… there")
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys
    )


def verify(
    secrets: str,
    headers: Mapping[str, str],
    body: bytes,
    tolerance_s: int = 300,
    now_s: float | None = None,
) -> bool:
    """Whether a message is genuine and fresh: what a receiver does with what we sent.

    `headers` has lower-case names; `tolerance_s` is how far the timestamp may be from the
    receiver's clock (`now_s`, seconds since the epoch). Refuse the message when this is false,
    and ignore it when its `webhook-id` was seen before: a message may come more than once.
    """
    try:
        timestamp_s = int(headers[TIMESTAMP_HEADER])
        expected = sign(secrets, headers[ID_HEADER], timestamp_s, body).split()
        given = headers[SIGNATURE_HEADER].encode("ascii").split()
    except (KeyError, ValueError):  # SecretError and UnicodeError are ValueErrors
        return False
    if abs((time.time() if now_s is None else now_s) - timestamp_s) > tolerance_s:
        return False
    return any(hmac.compare_digest(one.encode(), other) for one in expected for other in given)


def read_secret(webhook: Webhook) -> str:
    """A webhook's secret, read now, so that it can be changed without a restart.

    Raises SecretError, naming the file or variable, where it is missing or malformed.
    """
    if webhook.secret_env is not None:
        where = f"environment variable {webhook.secret_env}"
        secret = os.environ.get(webhook.secret_env, "")
    else:
        where = str(webhook.secret_file)
        try:
            with open(where, encoding="ascii") as file:
                secret = file.read(_LARGEST_SECRET_BYTES)
        except OSError as error:
            raise SecretError(
                f"{where} cannot be read ({error.strerror}); write the whsec_… secret there"
            ) from None
        except UnicodeDecodeError:
            raise SecretError(f"{where} is not ASCII; write the whsec_… secret there") from None
    try:
        sign(secret, "", 0, b"")
    except SecretError as error:
        raise SecretError(f"{where}: {error}") from None
    return secret


def _key(secret: str) -> bytes:
    remedy = "make one: echo whsec_$(head -c 32 /dev/urandom | base64)"
    if not secret.startswith("whsec_"):
        raise SecretError(f"the secret does not begin with whsec_; {remedy}")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise SecretError(f"the secret is not base64 after whsec_; {remedy}") from None
    if not 24 <= len(key) <= 64:
        raise SecretError(f"the secret has {len(key)} bytes instead of 24 to 64; {remedy}")
    return key
