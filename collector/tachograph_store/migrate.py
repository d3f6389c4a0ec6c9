"""Numbered SQL migrations, applied once each, in order; forward only."""

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from tachograph_store.client import Store
from tachograph_store.errors import MigrationError, QueryRefused, QueryTooLarge
from tachograph_store.mutations import finish_mutations
from tachograph_store.settings import StoreSettings

logger = logging.getLogger(__name__)

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_ALTERED = re.compile(r"(?:--.*\n)*ALTER TABLE ([a-z_]+)")
_EACH_HOUR = re.compile(r"-- For each hour of ([a-z_]+)\n")
_UNKNOWN_TABLE = 60
_CREATE = """CREATE TABLE IF NOT EXISTS schema_migrations {on_cluster}
(
    number UInt32,
    name String,
    checksum String,
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = {mergetree}
ORDER BY number"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file; `checksum` is the SHA-256 of its text before templating."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Hex SHA-256 of the file's text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_of(files: Iterable[tuple[str, str]]) -> list[Migration]:
    """Migrations of (file name, text) pairs, in order.

    Raises:
        MigrationError: a name that is no migration's, a gap or a duplicate in the numbers.
    """
    found: list[Migration] = []
    for name, text in sorted(files):
        match = _FILE.fullmatch(name)
        if match is None:
            raise MigrationError(f"{name}: a migration is named NNNN_subject.sql")
        found.append(Migration(int(match.group(1)), name, text))
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(numbers) + 1)):
        raise MigrationError(f"migrations must be numbered 1, 2, 3, … without gaps: {numbers}")
    return found


def shipped_migrations() -> list[Migration]:
    """The migrations of this version of the package."""
    folder = resources.files("tachograph_store") / "migrations"
    return migrations_of(
        (file.name, file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    )


def template_variables(settings: StoreSettings) -> Mapping[str, str]:
    """What `{on_cluster}`, `{mergetree}` and `{replacing}` stand for at this store."""
    if settings.cluster:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", settings.cluster):
            raise MigrationError("TACHOGRAPH_STORE_CLUSTER takes letters, digits, _ and - only")
        return {
            "on_cluster": f"ON CLUSTER `{settings.cluster}`",
            "mergetree": "ReplicatedMergeTree",
            "replacing": "ReplicatedReplacingMergeTree",
        }
    return {"on_cluster": "", "mergetree": "MergeTree", "replacing": "ReplacingMergeTree"}


def _render(sql: str, variables: Mapping[str, str]) -> str:
    for name, value in variables.items():
        sql = sql.replace("{" + name + "}", value)
    return sql


def _applied(store: Store) -> dict[int, str]:
    try:
        rows = store.query("SELECT number, checksum FROM schema_migrations")
    except QueryRefused as error:
        if error.code == _UNKNOWN_TABLE:
            return {}
        raise
    return {row["number"]: row["checksum"] for row in rows}


def pending(store: Store, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """Migrations not applied yet; reads only.

    Raises:
        MigrationError: an applied migration's file was changed, or the store is newer than this
            package.
    """
    known = list(migrations) if migrations is not None else shipped_migrations()
    applied = _applied(store)
    for migration in known:
        checksum = applied.get(migration.number)
        if checksum is not None and checksum != migration.checksum:
            raise MigrationError(
                f"{migration.name} was changed after it had been applied: put the file back and "
                "write a new migration"
            )
    unknown = sorted(set(applied) - {migration.number for migration in known})
    if unknown:
        raise MigrationError(
            f"the store has migrations {unknown} that this version does not know: upgrade tachograph"
        )
    return [migration for migration in known if migration.number not in applied]


def _finish(store: Store, sql: str) -> None:
    """One that changes every part may take longer than a statement: the engine goes on with it."""
    try:
        store.command(sql)
    except QueryTooLarge:
        altered = _ALTERED.match(sql)
        if altered is None:
            raise
        for _ in finish_mutations(store, altered.group(1)):
            pass


def _apply(store: Store, migration: Migration, sql: str) -> None:
    each_hour = _EACH_HOUR.match(migration.sql)
    if each_hour is None:
        _finish(store, sql)
        return
    # What moves all rows moves them in statements that each end within their time.
    hours = store.query(
        "SELECT DISTINCT toUnixTimestamp(toStartOfHour(start_time)) AS hour "
        f"FROM {each_hour.group(1)} ORDER BY hour"
    )
    for index, row in enumerate(hours):
        store.command(sql, {"hour": row["hour"]})
        if index % 24 == 0:
            logger.info("%s: %d of %d hours", migration.name, index + 1, len(hours))


def migrate(
    store: Store,
    settings: StoreSettings,
    migrations: Sequence[Migration] | None = None,
) -> Iterator[Migration]:
    """Apply what is pending, one by one, and yield each once it is applied and recorded.

    Every statement is `IF NOT EXISTS`, so one that was applied but not recorded, because the
    process was killed between, is applied again without harm. A file that begins with `For each
    hour of` is a statement for each hour in which that table has spans.
    """
    variables = template_variables(settings)
    waiting = pending(store, migrations)
    store.command(_render(_CREATE, variables))
    for migration in waiting:
        _apply(store, migration, _render(migration.sql, variables))
        store.command(
            "INSERT INTO schema_migrations (number, name, checksum) "
            "SELECT {number:UInt32}, {name:String}, {checksum:String}",
            {
                "number": migration.number,
                "name": migration.name,
                "checksum": migration.checksum,
            },
        )
        yield migration
