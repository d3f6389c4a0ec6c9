"""The way to the store: one client for the embedded engine and for a ClickHouse server.

with connect(role="reader") as store:
    rows = store.query("SELECT name FROM spans WHERE project = {project:String}",
                       {"project": "default"})
"""

import json
import os
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self, TypeVar
from urllib.parse import urlsplit
from weakref import WeakSet

import clickhouse_connect
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.compression import get_compressor
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError, Error
from clickhouse_connect.driver.httputil import get_pool_manager
from clickhouse_connect.driver.insert import InsertContext
from urllib3.exceptions import HTTPError, NewConnectionError

from tachograph_store import native
from tachograph_store.embedded.credentials import Credential, Role, read_credential
from tachograph_store.errors import RowRefused, StoreError, StoreUnavailable, error_of_code
from tachograph_store.named import query_text
from tachograph_store.settings import StoreSettings

if TYPE_CHECKING:
    import pandas

Row = TypeVar("Row")
T = TypeVar("T")
_POOL_SIZE = 16
_TOKEN = "insert_deduplication_token"
_PACKING_ERRORS = (
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    KeyError,
    IndexError,
    ArithmeticError,
    struct.error,
)
_PIECE_BYTES = 256 * 1024
_CONNECT_TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens."""

    scheme: str
    host: str
    port: int


def _embedded_endpoint(directory: Path) -> Endpoint:
    try:
        document = json.loads((directory / "endpoint.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreUnavailable(
            f"the embedded store {directory} is not running: start it with `tachograph up` or "
            "`tachograph store`, or set TACHOGRAPH_HOME or TACHOGRAPH_STORE_URL to where it runs"
        ) from None
    return Endpoint("http", document["host"], document["port"])


def _server_endpoint(url: str) -> Endpoint:
    parts = urlsplit(url)
    default_port = 8443 if parts.scheme == "https" else 8123
    return Endpoint(parts.scheme, parts.hostname or "", parts.port or default_port)


class Store:
    """A connection to the store; safe to share between threads and to keep across a fork."""

    def __init__(
        self,
        settings: StoreSettings,
        role: Role,
        endpoint: Endpoint | None = None,
        credential: Credential | None = None,
    ) -> None:
        self._settings = settings
        self._role: Role = role
        self._fixed_endpoint = endpoint
        self._credential = credential
        self._client: Client | None = None
        self._client_endpoint: Endpoint | None = None
        self._begin()
        _stores.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._client = None
        self._pool = get_pool_manager(maxsize=_POOL_SIZE, num_pools=2)

    @property
    def settings(self) -> StoreSettings:
        """The settings this connection was made with."""
        return self._settings

    def _endpoint(self) -> Endpoint:
        if self._fixed_endpoint is not None:
            return self._fixed_endpoint
        if self._settings.is_embedded:
            return _embedded_endpoint(self._settings.directory)
        return _server_endpoint(self._settings.url)

    def _user_and_password(self) -> tuple[str, str]:
        settings = self._settings
        if not settings.is_embedded:
            return settings.user, settings.password.get_secret_value()
        try:
            credential = self._credential or read_credential(settings.directory, self._role)
        except OSError as error:
            raise StoreUnavailable(
                f"the store's credential for {self._role} cannot be read: {error}"
            ) from None
        return credential.role, credential.password

    def _open(self, endpoint: Endpoint) -> Client:
        settings = self._settings
        user, password = self._user_and_password()
        client = clickhouse_connect.get_client(
            interface=endpoint.scheme,
            host=endpoint.host,
            port=endpoint.port,
            username=user,
            password=password,
            database=settings.database,
            pool_mgr=self._pool,
            compress=not settings.is_embedded,  # on loopback it only costs time
            autogenerate_session_id=False,
            tz_mode="aware",
            connect_timeout=_CONNECT_TIMEOUT_S,
            send_receive_timeout=settings.max_execution_time_s + settings.queue_timeout_s + 5,
            show_clickhouse_errors="scrub",
            # A look-up's thousands of ids: in an address each character is looked at in Python.
            form_encode_query_params=True,
        )
        # The embedded engine describes its settings on a connection that only reads: the client
        # would take this one for locked.
        client.valid_transport_settings = client.valid_transport_settings | {_TOKEN}
        return client

    def _current(self, *, refresh: bool = False) -> Client:
        with self._lock:
            endpoint = self._endpoint()
            if self._client is None or endpoint != self._client_endpoint or refresh:
                self._client = self._open(endpoint)
                self._client_endpoint = endpoint
            return self._client

    def _call(self, run: Callable[[Client], T]) -> T:
        try:
            try:
                return run(self._current())
            except Error as error:
                if not (self._settings.is_embedded and _was_never_sent(error)):
                    raise
                # The engine may have come back elsewhere; a statement that never reached it can
                # be sent again without a doubt.
                return run(self._current(refresh=True))
        except (ClickHouseError, OSError) as error:
            raise _translated(error) from error

    def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, *, name: str = ""
    ) -> list[dict[str, Any]]:
        """Rows as dicts by column name.

        `parameters` fill server-side `{name:Type}` places; `name` says in the server's log which
        question this was.

        Raises:
            StoreUnavailable, QueryRefused, QueryTooLarge.
        """
        names, rows = self._call(lambda client: _all_rows(client, sql, parameters, name))
        return [dict(zip(names, row, strict=True)) for row in rows]

    def query_rows(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None,
        row_type: type[Row],
        *,
        name: str = "",
    ) -> list[Row]:
        """Rows as dataclasses; the query's columns must be the dataclass's fields, by name."""
        names, rows = self._call(lambda client: _all_rows(client, sql, parameters, name))
        expected = {field.name for field in fields(row_type)}  # type: ignore[arg-type]
        if names and set(names) != expected:  # the Native format has no columns without rows
            raise TypeError(
                f"{row_type.__name__} has the fields {sorted(expected)}, "
                f"the query answers {sorted(names)}"
            )
        return [row_type(**dict(zip(names, row, strict=True))) for row in rows]

    def rows(self, name: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Rows of the named query `queries/<name>.sql` as dicts by column name.

        Raises:
            KeyError: there is no such query.
        """
        return self.query(query_text(name), parameters, name=name)

    def query_df(
        self, sql: str, parameters: Mapping[str, Any] | None = None, *, name: str = ""
    ) -> "pandas.DataFrame":
        """Rows as a DataFrame."""
        return self._call(
            lambda client: client.query_df(sql, dict(parameters or {}), **_comment(client, name))
        )

    @contextmanager
    def stream(
        self, sql: str, parameters: Mapping[str, Any] | None, output: str, *, name: str = ""
    ) -> Iterator[BinaryIO]:
        """The answer as the engine writes it in a format of its own (`Parquet`, `JSONEachRow`, …).

        Raises as `query`. What fails after the first bytes may end the answer early: check its end.
        """
        answer: Any = self._call(
            lambda client: client.raw_stream(
                sql, dict(parameters or {}), fmt=output, **_comment(client, name)
            )
        )
        try:
            with answer:
                yield answer
        except (ClickHouseError, HTTPError, OSError) as error:
            raise _translated(error) from error

    def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that answers no rows."""
        self._call(lambda client: client.command(sql, dict(parameters or {})))

    def insert(
        self,
        table: str,
        columns: Sequence[str],
        values: Sequence[Sequence[Any]],
        types: Sequence[str],
        token: str = "",
        packed: Mapping[str, bytes] | None = None,
    ) -> None:
        """Store values, column by column; when this returns they are stored.

        `packed` has the bytes of columns that were packed before (`native.column`). A block whose `token` the table has seen lately is dropped by the engine: it must name the
        rows, so that sending them again is the only way to meet it again.

        Raises:
            RowRefused: a value does not fit its column; nothing of this call was stored.
            StoreUnavailable: the engine is away; the rows may have been stored all the same.
        """
        if not all(map(native.is_known, types)):
            self._insert_packed_by_client(table, columns, values, types, token)
            return
        packed = packed or {}
        pieces = [native.block_head(len(columns), len(values[0]))]
        for column, type_name, of_column in zip(columns, types, values, strict=True):
            try:
                piece = packed.get(column) or native.column(column, type_name, of_column)
            except native.PACKING_ERRORS as error:
                raise _does_not_fit(table, column, error) from error
            pieces.append(piece)
        sent = _joined_where_short(pieces)
        pieces.clear()
        settings = {_TOKEN: token} if token else None

        def run(client: Client) -> None:
            compression = client.write_compression
            data: Any = sent  # 20 MB: written as they are, not copied into one
            if compression:
                compressor: Any = get_compressor(compression)
                parts = [*map(compressor.compress_block, sent), compressor.flush() or b""]
                data = [part for part in parts if part]
            client.raw_insert(
                table,
                list(columns),
                data,
                settings,
                fmt="Native",
                compression=compression,
                transport_settings={"Content-Length": str(sum(map(len, data)))},
            )

        try:
            self._call(run)
        except RowRefused as error:
            error.table = table
            raise

    def _insert_packed_by_client(
        self,
        table: str,
        columns: Sequence[str],
        values: Sequence[Sequence[Any]],
        types: Sequence[str],
        token: str,
    ) -> None:
        """The same through clickhouse-connect's own packing, which knows every type."""
        column_types = [get_from_name(name) for name in types]
        context: InsertContext | None = None

        def run(client: Client) -> None:
            # Made for each attempt: a context whose attempt failed has let go of its values, and
            # sending it again would store nothing and say so to nobody.
            nonlocal context
            context = InsertContext(
                table,
                list(columns),
                column_types,
                data=values,
                column_oriented=True,
                settings={_TOKEN: token} if token else None,
            )
            client.data_insert(context)

        try:
            self._call(run)
        except RowRefused as error:
            error.table = table
            error.column = context.column_name if context else None
            raise
        except StoreError:
            raise
        except _PACKING_ERRORS as error:
            # clickhouse-connect lets the error of packing a value through as it is.
            column = (context and context.column_name) or ""
            raise _does_not_fit(table, column, error) from error

    def ping(self) -> bool:
        """Whether the engine answers and is ready."""
        try:
            return self._current().ping()
        except (StoreError, ClickHouseError, OSError):
            return False

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            self._client = None
            self._pool.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _after_fork() -> None:
    # A forked worker must not answer on its parent's sockets, nor wait for its parent's threads.
    for store in list(_stores):
        store._begin()


_stores: WeakSet[Store] = WeakSet()
os.register_at_fork(after_in_child=_after_fork)


def _comment(client: Client, name: str) -> dict[str, Any]:
    definition = client.server_settings.get("log_comment")
    if not name or definition is None or definition.readonly:
        return {}
    return {"settings": {"log_comment": name}}


def _joined_where_short(pieces: Iterable[bytes]) -> list[bytes]:
    """The same bytes in pieces of which none is much too short for a packet."""
    joined: list[bytes] = []
    short: list[bytes] = []
    size = 0
    for piece in pieces:
        short.append(piece)
        size += len(piece)
        if size >= _PIECE_BYTES:
            joined.append(short[0] if len(short) == 1 else b"".join(short))
            short, size = [], 0
    return [*joined, b"".join(short)] if size else joined


def _does_not_fit(table: str, column: str, error: Exception) -> RowRefused:
    return RowRefused(
        f"a value of {table}.{column} does not fit: {error}", table=table, column=column or None
    )


def _all_rows(
    client: Client, sql: str, parameters: Mapping[str, Any] | None, name: str
) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Names and rows: read here, where an engine that dies in the middle of them is noticed."""
    result = client.query(sql, dict(parameters or {}), **_comment(client, name))
    rows = result.result_rows
    return result.column_names, rows


def _was_never_sent(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        reason = getattr(cause, "reason", None)
        if isinstance(cause, NewConnectionError) or isinstance(reason, NewConnectionError):
            return True
        cause = cause.__cause__
    return False


def _translated(error: Exception) -> StoreError:
    code = getattr(error, "code", None)
    if code is not None:
        return error_of_code(code, str(error))
    if isinstance(error, DataError):
        return RowRefused(str(error))
    return StoreUnavailable(f"the store does not answer: {error}")


def open_endpoint(endpoint: Endpoint, credential: Credential, settings: StoreSettings) -> Store:
    """A connection to the embedded engine at a known address, before it announces itself."""
    return Store(settings, credential.role, endpoint, credential)


def connect(settings: StoreSettings | None = None, role: Role = "reader") -> Store:
    """A connection to the store; it is opened with the first statement.

    For `embedded://` the address and the role's credential come from the engine's directory; it
    may restart on another port at any time. For `http(s)://` the role is that of the user given.
    """
    return Store(settings or StoreSettings(), role)
