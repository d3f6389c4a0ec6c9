"""ClickHouse's error codes that the embedded server raises itself, and their HTTP statuses."""

import re
from collections.abc import Mapping

UNKNOWN_SETTING = 115
READONLY = 164
UNKNOWN_DATABASE = 81
QUERY_IS_TOO_LARGE = 77
SYNTAX_ERROR = 62
BAD_ARGUMENTS = 36
TOO_MANY_SIMULTANEOUS_QUERIES = 202
ABORTED = 236
ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516
SOCKET_TIMEOUT = 209
UNKNOWN_FORMAT = 73
TOO_MANY_BYTES = 307
UNKNOWN_EXCEPTION = 1002
QUERY_WAS_CANCELLED = 394

_NAMES: Mapping[int, str] = {
    UNKNOWN_SETTING: "UNKNOWN_SETTING",
    READONLY: "READONLY",
    UNKNOWN_DATABASE: "UNKNOWN_DATABASE",
    QUERY_IS_TOO_LARGE: "QUERY_IS_TOO_LARGE",
    SYNTAX_ERROR: "SYNTAX_ERROR",
    BAD_ARGUMENTS: "BAD_ARGUMENTS",
    TOO_MANY_SIMULTANEOUS_QUERIES: "TOO_MANY_SIMULTANEOUS_QUERIES",
    ABORTED: "ABORTED",
    ACCESS_DENIED: "ACCESS_DENIED",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    SOCKET_TIMEOUT: "SOCKET_TIMEOUT",
    UNKNOWN_FORMAT: "UNKNOWN_FORMAT",
    TOO_MANY_BYTES: "TOO_MANY_BYTES",
    UNKNOWN_EXCEPTION: "UNKNOWN_EXCEPTION",
    QUERY_WAS_CANCELLED: "QUERY_WAS_CANCELLED",
}

_STATUS: Mapping[int, int] = {
    **dict.fromkeys((6, 26, 27, 36, 38, 41, 53, 62, 69, 70, 72, 73, 115, 117, 456, 457), 400),
    **dict.fromkeys((READONLY, ACCESS_DENIED, AUTHENTICATION_FAILED), 403),
    **dict.fromkeys((16, 46, 47, 60, UNKNOWN_DATABASE), 404),
    159: 408,
    SOCKET_TIMEOUT: 408,
    **dict.fromkeys((QUERY_IS_TOO_LARGE, TOO_MANY_BYTES), 413),
    48: 501,
    **dict.fromkeys((TOO_MANY_SIMULTANEOUS_QUERIES, ABORTED), 503),
}

_CODE = re.compile(r"Code: (\d+)\. DB::Exception: ")


class EngineException(Exception):
    """An error with ClickHouse's code; the text is what a client reads."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @classmethod
    def of(cls, code: int, reason: str) -> "EngineException":
        """An error of the server itself, worded like the engine's own."""
        return cls(code, f"Code: {code}. DB::Exception: {reason} ({_NAMES[code]})")

    @classmethod
    def from_text(cls, text: str) -> "EngineException":
        """What chDB raised: its binding gives the code only at the head of the text."""
        match = _CODE.search(text)
        if match is None:
            return cls.of(UNKNOWN_EXCEPTION, text)
        return cls(int(match.group(1)), text[match.start() :])

    @property
    def status(self) -> int:
        """The HTTP status that a ClickHouse server gives for this code."""
        return _STATUS.get(self.code, 500)
