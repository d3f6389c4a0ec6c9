"""Credentials and lock of a store's directory."""

import os
from pathlib import Path

import pytest

from tachograph_store.embedded.credentials import (
    ROLES,
    authenticate,
    credential_path,
    ensure_credentials,
    read_credential,
)
from tachograph_store.embedded.lock import DirectoryLock
from tachograph_store.errors import StoreLocked


def test_credentials_are_made_once_and_private(tmp_path: Path) -> None:
    first = ensure_credentials(tmp_path)
    assert len({credential.password for credential in first.values()}) == len(ROLES)
    for role in ROLES:
        path = credential_path(tmp_path, role)
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o644)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert ensure_credentials(tmp_path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_credential(tmp_path, "reader") == first["reader"]
    assert first["reader"].password not in repr(first)


def test_a_password_opens_its_own_role_only(tmp_path: Path) -> None:
    credentials = ensure_credentials(tmp_path)
    password = credentials["reader"].password
    assert authenticate(credentials, "reader", password) == "reader"
    assert authenticate(credentials, "writer", password) is None
    assert authenticate(credentials, "reader", password[:-1]) is None
    assert authenticate(credentials, "", "") is None
    assert authenticate(credentials, "réader", "é") is None


def test_the_second_lock_names_the_first_owner(tmp_path: Path) -> None:
    # flock belongs to the open file, so a second one in this process is refused as well.
    refused = pytest.raises(StoreLocked, match=f"process {os.getpid()}: .*TACHOGRAPH_STORE_URL")
    with DirectoryLock(tmp_path), refused:
        DirectoryLock(tmp_path).acquire()
    with DirectoryLock(tmp_path):
        pass
