"""chDB itself: one engine a process, opened on a private directory, and connections by role.

The only module that imports chdb. Everything here blocks: callers run it in threads (chDB releases
the interpreter lock while it works).
"""

import os
import shutil
import threading
from collections.abc import Generator, Mapping
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal, Self
from xml.sax.saxutils import escape

from tachograph_store.embedded.exceptions import EngineException
from tachograph_store.embedded.failures import TAG_SETTING, InsertFailures
from tachograph_store.settings import StoreSettings

Purpose = Literal["read", "write"]

_CACHE_SHARE: Final = 24
"""Of the engine's memory so much holds blocks that pages read, unpacked: 125 MB of 3 GB."""

STREAMED_FORMATS = frozenset({"Native", "TabSeparated", "TSV", "CSV", "RowBinary", "JSONEachRow"})
"""Formats whose blocks, one after the other, are again that format."""

_CONFIG = """<clickhouse>
  <timezone>UTC</timezone>
  <tmp_path>{directory}/tmp/</tmp_path>
  <user_files_path>{directory}/empty/</user_files_path>
  <format_schema_path>{directory}/empty/</format_schema_path>
  <max_server_memory_usage>{max_server_memory}</max_server_memory_usage>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <os_threads_nice_value_merge_mutate>10</os_threads_nice_value_merge_mutate>
  <mark_cache_size>134217728</mark_cache_size>
  <uncompressed_cache_size>{uncompressed_cache}</uncompressed_cache_size>
  <merge_tree>
    <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
  </merge_tree>
</clickhouse>
"""

_PAGES: Final = {
    # Pages ask for the same places again and again, some twenty columns of each: unpacking blocks is half
    # of the work. What reads more than these rows, a day of a busy project, passes the cache by.
    "use_uncompressed_cache": "1",
    "merge_tree_max_rows_to_use_cache": "2000000",
    "merge_tree_max_bytes_to_use_cache": "100000000000",
    # Parts where an index finds nothing are left out of the plan; otherwise each is opened to be told so.
    "use_skip_indexes_on_data_read": "0",
}


def _quote(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class EngineConnection:
    """One chDB connection; runs one statement at a time."""

    def __init__(self, connection: Any, watch: "InsertWatch | None" = None) -> None:
        self._connection = connection
        self._watch = watch

    def run(self, sql: str, output: str, parameters: Mapping[str, str]) -> bytes:
        """Run a statement to its end and answer its whole result.

        Raises:
            EngineException: whatever the engine says.
        """
        try:
            result = self._connection.query(sql, output, params=dict(parameters))
        except RuntimeError as error:
            raise EngineException.from_text(str(error)) from None
        return bytes(result.bytes())

    def stream(
        self, sql: str, output: str, parameters: Mapping[str, str]
    ) -> Generator[bytes, None, None]:
        """Run a query and answer its blocks as they come; close the iterator to cancel it."""
        try:
            result = self._connection.send_query(sql, output, params=dict(parameters))
            try:
                for block in result:
                    yield bytes(block.bytes())
            finally:
                result.close()
        except RuntimeError as error:
            raise EngineException.from_text(str(error)) from None

    def begin_insert(self, sql: str, data_format: str) -> "EngineInsert":
        """Begin an INSERT whose rows follow; on a connection for writing."""
        assert self._watch is not None
        failed = self._watch.known_failed
        try:
            inserter = self._connection.send_insert(sql, data_format)
        except RuntimeError as error:
            raise EngineException.from_text(str(error)) from None
        return EngineInsert(inserter, self._watch, failed, self._watch.begun())

    def set(self, name: str, value: str) -> None:
        """Change a setting of this connection; `name` comes from a list, never from a client."""
        self.run(f"SET {name} = {_quote(value)}", "CSV", {})

    def kill(self, mark: str) -> None:
        """Cancel the statements, of any connection, whose text begins with `mark`."""
        self.run("KILL QUERY WHERE startsWith(query, {mark:String}) ASYNC", "CSV", {"mark": mark})

    def close(self) -> None:
        """Close the connection; running statements must have ended."""
        self._connection.close()


class EngineInsert:
    """An INSERT that takes rows until `finish`."""

    def __init__(
        self, inserter: Any, watch: "InsertWatch", failed_before: int, query_id: str
    ) -> None:
        self._inserter = inserter
        self._watch = watch
        self._failed_before = failed_before
        self._query_id = query_id

    def append(self, data: bytes) -> None:
        """Hand over the next bytes of rows."""
        try:
            self._inserter.append(data)
        except RuntimeError as error:
            raise EngineException.from_text(str(error)) from None

    def finish(self) -> int:
        """Store the rows and answer how many; when this returns they are stored."""
        try:
            rows = int(self._inserter.finish().rows_written)
        except RuntimeError as error:
            raise EngineException.from_text(str(error)) from None
        if self._watch.failed() != self._failed_before:
            raise self._watch.error(self._query_id)
        return rows

    def cancel(self) -> None:
        """Give up; rows of complete blocks above the engine's block size may have been stored."""
        self._inserter.cancel()


class InsertWatch:
    """Whether the INSERTs of one connection failed; all share the connection that asks."""

    def __init__(self, failures: InsertFailures, lock: threading.Lock, tag: int) -> None:
        self._failures = failures
        self._lock = lock
        self.tag = str(tag)

    @property
    def known_failed(self) -> int:
        """How many had failed when that was asked last: at the end of each INSERT, so mostly now too."""
        return self._failures.known

    def failed(self) -> int:
        """How many INSERTs have failed since the engine began, whoever sent them."""
        with self._lock:
            return self._failures.count()

    def begun(self) -> str:
        """The id of this connection's INSERT."""
        with self._lock:
            return self._failures.query_id(self.tag)

    def error(self, query_id: str) -> EngineException:
        """Why it failed."""
        with self._lock:
            return self._failures.error(query_id)


class Engine:
    """The engine of this process; make one, on a directory whose lock is held."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._directory = settings.directory
        self._chdb: Any = None
        self._location = ""
        self._failures: InsertFailures | None = None
        self._failures_lock = threading.Lock()
        self._tags = count(1_000)

    @property
    def owned(self) -> list[Path]:
        """The directories that the engine reads and writes."""
        return [self._directory / name for name in ("data", "tmp", "empty")]

    @property
    def config(self) -> Path:
        """The engine's configuration file."""
        return self._directory / "engine.xml"

    def prepare(self) -> None:
        """Make the directories and the configuration; sweep what a killed engine staged."""
        for directory in self.owned:
            directory.mkdir(mode=0o700, exist_ok=True)
        for leftover in (self._directory / "tmp").iterdir():  # it may hold prompts in the clear
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        self.config.write_text(
            _CONFIG.format(
                directory=escape(str(self._directory)),
                max_server_memory=self._settings.max_server_memory_bytes,
                uncompressed_cache=self._settings.max_server_memory_bytes // _CACHE_SHARE,
            ),
            encoding="utf-8",
        )
        os.environ["TMPDIR"] = str(self._directory / "tmp")
        # The engine takes a quoted name for a path below the working directory.
        os.chdir(self._directory / "empty")

    def open(self) -> Self:
        """Load the engine; takes about a second."""
        # Deferred: 130 MB of engine, and it reads TMPDIR when it loads.
        chdb: Any = import_module("chdb")
        chdb._chdb.set_signal_handlers_enabled(0)  # SIGTERM and SIGINT belong to the server
        self._chdb = chdb
        self._location = f"{self._directory / 'data'}?config-file={self.config}"
        return self

    def connect(self, purpose: Purpose) -> EngineConnection:
        """A new connection with its limits; what reads cannot change them nor write."""
        watch = self._insert_watch() if purpose == "write" else None
        connection = EngineConnection(self._chdb.connect(self._location), watch)
        settings = self._settings
        values: dict[str, str] = {
            "max_memory_usage": str(settings.max_memory_bytes),
            "max_execution_time": str(settings.max_execution_time_s),
            "timeout_overflow_mode": "throw",
            "max_result_rows": str(settings.max_result_rows),
            "max_result_bytes": str(settings.max_result_bytes),
            "result_overflow_mode": "throw",
            "max_query_size": str(2 * settings.max_query_bytes),
            "allow_introspection_functions": "0",
            "implicit_select": "0",
            "log_queries": "0",
            # An answered insert is stored: the engine would otherwise hold it back in memory.
            "async_insert": "0",
            # An answered delete is done.
            "mutations_sync": "1",
            "lightweight_deletes_sync": "1",
            # Rows of one partition never meet those of another under FINAL.
            "do_not_merge_across_partitions_select_final": "1",
            # FINAL reads the granules that a skip index names, not all between them by the key. Rows
            # of one identity have one trace, so by trace nothing is missed; by session, the old
            # version of a span that changed its session counts until it is deleted, a moment later.
            "use_skip_indexes_if_final_exact_mode": "0",
            # Two threads share what a page reads evenly; by default one takes the first 160,000 rows.
            "merge_tree_min_rows_for_concurrent_read": "32768",
            "merge_tree_min_bytes_for_concurrent_read": "2097152",
            # By default a query gets one thread as soon as the engine's own count of its memory, which
            # lies far above what it has, leaves less than two gigabytes of the server's limit.
            "max_threads_min_free_memory_per_thread": "0",
            "session_timezone": "UTC",
        }
        for name, value in values.items():
            connection.set(name, value)
        if purpose == "write":
            # Rows of one key are told apart before they are sent or where they are read; to look for
            # them in each insert once more is a quarter of what an insert of spans costs.
            connection.set("optimize_on_insert", "0")
            # Built by the first merge: at the insert it would cost as much as all else together.
            connection.set("exclude_materialize_skip_indexes_on_insert", "searched_index")
        if watch is not None:
            connection.set(TAG_SETTING, watch.tag)
        if purpose == "read":
            for name, value in _PAGES.items():
                connection.set(name, value)
            connection.set("readonly", "1")
        return connection

    def _insert_watch(self) -> InsertWatch:
        if self._failures is None:
            self._failures = InsertFailures(self.connect("read"))
        return InsertWatch(self._failures, self._failures_lock, next(self._tags))

    def close(self) -> None:
        """Close the engine's own connection; those that were given out are their holders'."""
        if self._failures is not None:
            self._failures.close()
            self._failures = None
