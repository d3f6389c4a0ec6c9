"""What can go wrong at the store, told apart by ClickHouse's error codes, never by message text.

StoreError
├── StoreUnavailable   nothing was stored for certain; try again later
├── QueryRefused       the statement or its parameters are wrong or not allowed
├── QueryTooLarge      memory, rows, bytes or seconds went over a limit
├── RowRefused         the engine rejects a row for its content; do not send it again
├── StoreLocked        another process owns the embedded engine's directory
└── MigrationError     the schema is not what the migrations say
"""

from collections.abc import Mapping


class StoreError(Exception):
    """Base class. `code` is ClickHouse's numeric error code, None when no server answered."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class StoreUnavailable(StoreError):
    """The engine is away, starting, shutting down or has too much to do; safe to retry later."""


class QueryRefused(StoreError):
    """The statement is wrong, unknown names included, or the role may not run it."""


class QueryTooLarge(StoreError):
    """The statement needed more memory, rows, bytes or seconds than it may use."""


class RowRefused(StoreError):
    """A row does not fit its table. `table` and `column` say where, when known."""

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        table: str | None = None,
        column: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.table = table
        self.column = column


class StoreLocked(StoreError):
    """Another process owns the embedded engine's directory."""


class MigrationError(StoreError):
    """A migration is missing, duplicated or was changed after it had been applied."""


_UNAVAILABLE = frozenset(
    {
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        236,  # ABORTED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS
        319,  # UNKNOWN_STATUS_OF_INSERT
        394,  # QUERY_WAS_CANCELLED
        439,  # CANNOT_SCHEDULE_TASK
        999,  # KEEPER_EXCEPTION
    }
)
_TOO_LARGE = frozenset(
    {
        158,  # TOO_MANY_ROWS
        159,  # TIMEOUT_EXCEEDED
        160,  # TOO_SLOW
        161,  # TOO_MANY_COLUMNS
        241,  # MEMORY_LIMIT_EXCEEDED
        307,  # TOO_MANY_BYTES
        396,  # TOO_MANY_ROWS_OR_BYTES
    }
)
_ROW = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        33,  # CANNOT_READ_ALL_DATA
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        131,  # TOO_LARGE_STRING_SIZE
        190,  # SIZES_OF_ARRAYS_DONT_MATCH
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        469,  # VIOLATED_CONSTRAINT
    }
)
_CLASS_OF_CODE: Mapping[int, type[StoreError]] = {
    **dict.fromkeys(_UNAVAILABLE, StoreUnavailable),
    **dict.fromkeys(_TOO_LARGE, QueryTooLarge),
    **dict.fromkeys(_ROW, RowRefused),
}


def error_of_code(code: int, message: str) -> StoreError:
    """The error class for a ClickHouse error code; unknown codes are refusals."""
    return _CLASS_OF_CODE.get(code, QueryRefused)(message, code=code)
