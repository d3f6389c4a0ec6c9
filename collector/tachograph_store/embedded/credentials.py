"""The three credentials of the embedded engine, made at its first start, readable by the owner only."""

import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Role = Literal["migrator", "writer", "reader"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, slots=True)
class Credential:
    """User name (the role) and password for the engine."""

    role: Role
    password: str

    def __repr__(self) -> str:
        return f"Credential(role={self.role!r})"  # a password in a traceback is a leak


def credential_path(store_directory: Path, role: Role) -> Path:
    """Where a role's credential lies below the engine's directory."""
    return store_directory / "credentials" / f"{role}.json"


def read_credential(store_directory: Path, role: Role) -> Credential:
    """The credential of a role.

    Raises:
        OSError: it is not there yet, or belongs to another user.
    """
    document = json.loads(credential_path(store_directory, role).read_text(encoding="utf-8"))
    return Credential(role, document["password"])


def _create(store_directory: Path, role: Role) -> None:
    path = credential_path(store_directory, role)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    temporary = path.with_suffix(".new")
    # O_EXCL with the mode given at birth: there is no moment at which others could read it.
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"user": role, "password": secrets.token_urlsafe(32)}, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def ensure_credentials(store_directory: Path) -> Mapping[Role, Credential]:
    """All three credentials, made where missing; modes are put right where someone widened them."""
    found: dict[Role, Credential] = {}
    for role in ROLES:
        path = credential_path(store_directory, role)
        if not path.exists():
            _create(store_directory, role)
        path.parent.chmod(0o700)
        path.chmod(0o600)
        found[role] = read_credential(store_directory, role)
    return found


def authenticate(credentials: Mapping[Role, Credential], user: str, password: str) -> Role | None:
    """The role of this user and password, None when they match none; takes constant time."""
    matched: Role | None = None
    for role, credential in credentials.items():
        same_user = hmac.compare_digest(user.encode(), role.encode())
        same_password = hmac.compare_digest(password.encode(), credential.password.encode())
        if same_user and same_password:
            matched = role
    return matched
