"""Standard Webhooks signatures, against the specification's own example."""

import base64
from pathlib import Path

import pytest

from tachograph_evaluators.alerts.rules import Webhook
from tachograph_evaluators.alerts.signature import SecretError, read_secret, sign, verify

# The worked example that the specification's reference libraries test against.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP_S = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "whsec_" + base64.b64encode(b"x" * 32).decode()


def headers(signature: str = SIGNATURE) -> dict[str, str]:
    return {
        "webhook-id": MESSAGE_ID,
        "webhook-timestamp": str(TIMESTAMP_S),
        "webhook-signature": signature,
    }


def test_signs_as_the_specification_does() -> None:
    assert sign(SECRET, MESSAGE_ID, TIMESTAMP_S, BODY) == SIGNATURE


def test_two_secrets_sign_side_by_side() -> None:
    both = sign(f"{OTHER}\n{SECRET}\n", MESSAGE_ID, TIMESTAMP_S, BODY)
    assert SIGNATURE in both.split()
    for secret in (SECRET, OTHER):
        assert verify(secret, headers(both), BODY, now_s=TIMESTAMP_S)


def test_verify_takes_the_genuine_message_only() -> None:
    assert verify(SECRET, headers(), BODY, now_s=TIMESTAMP_S + 299)
    assert verify(SECRET, headers(f"v2,abc {SIGNATURE}"), BODY, now_s=TIMESTAMP_S)
    assert not verify(SECRET, headers(), BODY + b" ", now_s=TIMESTAMP_S)
    assert not verify(OTHER, headers(), BODY, now_s=TIMESTAMP_S)
    assert not verify(SECRET, headers(), BODY, now_s=TIMESTAMP_S + 301)
    assert not verify(SECRET, headers(), BODY, now_s=TIMESTAMP_S - 301)
    assert not verify(SECRET, headers("v1,é"), BODY, now_s=TIMESTAMP_S)
    assert not verify(SECRET, {}, BODY, now_s=TIMESTAMP_S)
    assert not verify(SECRET, headers() | {"webhook-id": "msg_2"}, BODY, now_s=TIMESTAMP_S)
    assert not verify(SECRET, headers() | {"webhook-timestamp": "x"}, BODY, now_s=TIMESTAMP_S)


@pytest.mark.parametrize(
    ("secret", "complaint"),
    [
        ("", "empty"),
        ("hunter2", "begin with whsec_"),
        ("whsec_!!!", "not base64"),
        ("whsec_c2hvcnQ=", "5 bytes instead of 24 to 64"),
    ],
)
def test_bad_secrets_are_named_but_never_shown(
    secret: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "hook.secret"
    file.write_text(secret)
    monkeypatch.setenv("HOOK_SECRET", secret)
    for webhook, where in (
        (Webhook(name="h", url="https://h/", secret_file=file), str(file)),
        (Webhook(name="h", url="https://h/", secret_env="HOOK_SECRET"), "HOOK_SECRET"),
    ):
        with pytest.raises(SecretError, match=complaint) as caught:
            read_secret(webhook)
        assert where in str(caught.value)
        assert not secret or secret not in str(caught.value)


def test_a_missing_secret_names_its_place(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="nowhere.*cannot be read"):
        read_secret(Webhook(name="h", url="https://h/", secret_file=tmp_path / "nowhere"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SecretError, match="not ASCII"):
        read_secret(Webhook(name="h", url="https://h/", secret_file=tmp_path / "binary"))
    with pytest.raises(SecretError, match="variable NOT_SET_ANYWHERE"):
        read_secret(Webhook(name="h", url="https://h/", secret_env="NOT_SET_ANYWHERE"))


def test_a_secret_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "hook.secret"
    webhook = Webhook(name="h", url="https://h/", secret_file=file)
    for secret in (SECRET, OTHER):
        file.write_text(secret + "\n")
        assert read_secret(webhook).strip() == secret
