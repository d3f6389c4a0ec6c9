"""Sessions are bounded, end by themselves, and guessing keys is slowed."""

from tachograph_dashboard.sessions import Identity, Sessions
from tachograph_dashboard.throttle import Throttle

SHOP = Identity(project="shop", role="read", api_key="tg_secret")


def test_a_token_opens_its_own_session_only() -> None:
    sessions = Sessions(lifetime_s=60)
    token = sessions.open(SHOP)
    other = sessions.open(Identity(project="other", role="read"))
    assert sessions.get(token) == SHOP
    assert sessions.get(other) == Identity(project="other", role="read")
    assert sessions.get(token[:-1]) is None
    assert sessions.get("") is None
    assert sessions.get(None) is None


def test_closing_ends_a_session() -> None:
    sessions = Sessions(lifetime_s=60)
    token = sessions.open(SHOP)
    sessions.close(token)
    sessions.close("unknown")
    assert sessions.get(token) is None


def test_a_session_ends_by_itself() -> None:
    sessions = Sessions(lifetime_s=0)
    assert sessions.get(sessions.open(SHOP)) is None


def test_the_table_is_bounded_and_the_oldest_goes_first() -> None:
    sessions = Sessions(lifetime_s=60, max_sessions=2)
    tokens = [sessions.open(SHOP) for _ in range(3)]
    assert [sessions.get(token) is not None for token in tokens] == [False, True, True]


def test_a_key_is_due_for_a_check_once_an_interval() -> None:
    sessions = Sessions(lifetime_s=60)
    token = sessions.open(SHOP)
    assert not sessions.due_for_check(token, 1000)
    assert sessions.due_for_check(token, 0)
    assert not sessions.due_for_check("unknown", 0)


def test_the_key_is_never_printed() -> None:
    assert "tg_secret" not in repr(SHOP)


def test_wrong_keys_are_slowed_for_their_address_only() -> None:
    throttle = Throttle(max_failures=3, window_s=60)
    for _ in range(3):
        assert throttle.wait_s("10.0.0.1") == 0
        throttle.failed("10.0.0.1")
    assert 0 < throttle.wait_s("10.0.0.1") <= 60
    assert throttle.wait_s("10.0.0.2") == 0
    throttle.succeeded("10.0.0.1")
    assert throttle.wait_s("10.0.0.1") == 0


def test_the_throttle_remembers_a_bounded_number_of_addresses() -> None:
    throttle = Throttle(max_failures=1, window_s=60, max_addresses=2)
    for address in ("a", "b", "c"):
        throttle.failed(address)
    assert [throttle.wait_s(address) > 0 for address in "abc"] == [False, True, True]
