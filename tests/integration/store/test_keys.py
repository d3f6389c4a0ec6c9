"""API keys: stored hashed, found, listed, revoked."""

from datetime import UTC, datetime, timedelta

import pytest

from tachograph_store.client import Store
from tachograph_store.errors import QueryRefused
from tachograph_store.keys import create_key, find_key, hash_of, list_keys, revoke_key


def test_a_key_is_found_by_its_hash_and_stored_nowhere(writer_store: Store, project: str) -> None:
    new = create_key(writer_store, project, "ingest", "tests")
    assert new.key.startswith(f"tg_{new.row.key_id}_")
    assert new.key not in repr(new)
    found = find_key(writer_store, hash_of(new.key))
    assert found is not None
    assert (found.project, found.role, found.name) == (project, "ingest", "tests")
    assert (found.expires_at, found.revoked_at) == (None, None)
    secret = new.key.rpartition("_")[2]
    everything = writer_store.query("SELECT * FROM api_keys")
    assert secret not in repr(everything)


def test_an_unknown_key_is_not_found(writer_store: Store) -> None:
    assert find_key(writer_store, hash_of("tg_000000000000_nothing")) is None


def test_revoking_keeps_the_first_time(writer_store: Store, project: str) -> None:
    new = create_key(writer_store, project, "read", "tests")
    first = revoke_key(writer_store, new.row.key_id)
    assert first.revoked_at is not None
    again = revoke_key(writer_store, new.row.key_id)
    assert again.revoked_at is not None
    assert abs(again.revoked_at - first.revoked_at) < timedelta(milliseconds=1)
    found = find_key(writer_store, hash_of(new.key))
    assert found is not None
    assert found.revoked_at is not None


def test_expiry_is_stored(writer_store: Store, project: str) -> None:
    expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    new = create_key(writer_store, project, "admin", "tests", expires_at)
    found = find_key(writer_store, hash_of(new.key))
    assert found is not None
    assert found.expires_at == expires_at


def test_a_listing_shows_one_project(writer_store: Store, project: str) -> None:
    create_key(writer_store, project, "read", "one")
    create_key(writer_store, f"{project}-other", "read", "two")
    assert [row.name for row in list_keys(writer_store, project)] == ["one"]


@pytest.mark.parametrize(
    ("project_name", "role", "name", "field"),
    [
        ("", "read", "x", "project"),
        ("p\n", "read", "x", "project"),
        ("p", "owner", "x", "role"),
        ("p", "read", "", "name"),
        ("p", "read", "x" * 101, "name"),
    ],
)
def test_bad_values_are_named(
    writer_store: Store, project_name: str, role: str, name: str, field: str
) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        create_key(writer_store, project_name, role, name)


def test_a_past_expiry_is_refused(writer_store: Store, project: str) -> None:
    with pytest.raises(ValueError, match="^expires: "):
        create_key(writer_store, project, "read", "x", datetime(2020, 1, 1, tzinfo=UTC))


def test_revoking_an_unknown_key_says_so(writer_store: Store) -> None:
    with pytest.raises(QueryRefused, match="no key"):
        revoke_key(writer_store, "nothing")
