"""API keys: `tg_<key id>_<secret>`, of which the store keeps the SHA-256 and never the key."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from tachograph.semconv.values import Role
from tachograph_store.client import Store
from tachograph_store.errors import QueryRefused
from tachograph_store.rows import ApiKeyRow
from tachograph_store.writer import Writer

ROLES = (Role.INGEST, Role.VIEW, Role.READ, Role.ADMIN)
MAX_NAME_CHARACTERS = 100

# A key says which project it opens, so it is looked up before any project is known: the one table
# that is read without one.
_COLUMNS = "project, key_id, key_hash, name, role, created_at, expires_at, revoked_at, version"
_BY_HASH = f"SELECT {_COLUMNS} FROM api_keys FINAL WHERE key_hash = {{key_hash:String}} LIMIT 1"
_BY_ID = f"SELECT {_COLUMNS} FROM api_keys FINAL WHERE key_id = {{key_id:String}} LIMIT 1"
_LIST = f"""
SELECT {_COLUMNS} FROM api_keys FINAL
WHERE empty({{project:String}}) OR project = {{project:String}}
ORDER BY project, created_at, key_id
LIMIT 10000
"""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key at its birth, the only moment at which it is known."""

    key: str
    row: ApiKeyRow

    def __repr__(self) -> str:
        return f"NewKey(key_id={self.row.key_id!r})"


def hash_of(key: str) -> str:
    """Hex SHA-256 of a whole key: 256 random bits need no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()


def create_key(
    store: Store, project: str, role: str, name: str, expires_at: datetime | None = None
) -> NewKey:
    """Make a key and store its hash.

    Raises:
        ValueError: names the field that is wrong.
    """
    _check_name("project", project)
    _check_name("name", name)
    if role not in ROLES:
        raise ValueError(f"role: {role!r} is none of {', '.join(ROLES)}")
    now = datetime.now(UTC)
    if expires_at is not None and expires_at <= now:
        raise ValueError(f"expires: {expires_at.isoformat()} is in the past")
    key_id = secrets.token_hex(6)
    key = f"tg_{key_id}_{secrets.token_hex(32)}"
    row = ApiKeyRow(
        project=project,
        key_id=key_id,
        key_hash=hash_of(key),
        name=name,
        role=role,
        created_at=now,
        expires_at=expires_at,
    )
    Writer(store).write("api_keys", [row])
    return NewKey(key, row)


def find_key(store: Store, key_hash: str) -> ApiKeyRow | None:
    """The row of the key with this hash, revoked and expired ones included; None: no such key."""
    rows = store.query_rows(_BY_HASH, {"key_hash": key_hash}, ApiKeyRow, name="find_key")
    # Told apart once more in constant time: what the engine compares, it compares byte by byte.
    found = [row for row in rows if hmac.compare_digest(row.key_hash, key_hash)]
    return found[0] if found else None


def list_keys(store: Store, project: str = "") -> Sequence[ApiKeyRow]:
    """All keys of a project, or of all projects; hashes only."""
    return store.query_rows(_LIST, {"project": project}, ApiKeyRow, name="list_keys")


def revoke_key(store: Store, key_id: str) -> ApiKeyRow:
    """Revoke a key for good and answer its row; one that was revoked keeps its first time.

    Raises:
        QueryRefused: there is no key with this id.
    """
    rows = store.query_rows(_BY_ID, {"key_id": key_id}, ApiKeyRow, name="revoke_key")
    if not rows:
        raise QueryRefused(f"key_id: there is no key {key_id!r}; see `tachograph keys list`")
    if rows[0].revoked_at is not None:
        return rows[0]
    revoked = replace(rows[0], revoked_at=datetime.now(UTC))
    Writer(store).write("api_keys", [revoked])
    return revoked


def _check_name(field: str, value: str) -> None:
    if not value.strip() or len(value) > MAX_NAME_CHARACTERS or not value.isprintable():
        raise ValueError(
            f"{field}: 1 to {MAX_NAME_CHARACTERS} printable characters are needed, not {value!r}"
        )
