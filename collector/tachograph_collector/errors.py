"""The errors that callers see: `{"error": {"code", "message", "field", "remedy"}}`."""

from dataclasses import dataclass


@dataclass
class ApiError(Exception):
    """An answer other than success; `code` is stable, `message` and `remedy` are for people."""

    status: int
    code: str
    message: str
    field: str | None = None
    remedy: str | None = None
    retry_after_s: int | None = None

    def body(self) -> dict[str, dict[str, str | None]]:
        """The JSON body of the answer."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "field": self.field,
                "remedy": self.remedy,
            }
        }

    def headers(self) -> dict[str, str]:
        """Headers that belong to the error: how to authenticate, when to come again."""
        headers: dict[str, str] = {}
        if self.retry_after_s is not None:
            headers["retry-after"] = str(self.retry_after_s)
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        return headers


def malformed(message: str) -> ApiError:
    """The body is not what its content type says."""
    return ApiError(
        400,
        "malformed_body",
        message,
        field="body",
        remedy="send an OTLP export request as protobuf or JSON; a retry of the same bytes "
        "gives the same answer",
    )


def too_large(limit_bytes: int, setting: str, what: str) -> ApiError:
    """The body is larger than a limit."""
    return ApiError(
        413,
        "body_too_large",
        f"{what} is larger than {limit_bytes} bytes",
        field="body",
        remedy=f"export smaller batches, or raise TACHOGRAPH_COLLECTOR_{setting.upper()}",
    )


def unsupported_media(header: str, value: str, accepted: str) -> ApiError:
    """Content-Type or Content-Encoding is none that the collector reads."""
    return ApiError(
        415,
        "unsupported_media_type",
        f"{header} {value[:100]!r} is not supported",
        field=header,
        remedy=f"use one of: {accepted}",
    )


def unavailable(reason: str, retry_after_s: int) -> ApiError:
    """The store cannot be asked; the same request may succeed later (retryable in OTLP)."""
    return ApiError(
        503,
        "store_unavailable",
        f"the store cannot be asked now: {reason}",
        remedy="retry after the given delay; see /healthz",
        retry_after_s=retry_after_s,
    )


def overloaded(retry_after_s: int) -> ApiError:
    """Too many bytes are being handled already (retryable in OTLP)."""
    return ApiError(
        429,
        "too_many_bytes_in_flight",
        "the collector is handling as many bytes as it may",
        remedy="retry after the given delay, or raise TACHOGRAPH_COLLECTOR_MAX_IN_FLIGHT_BYTES",
        retry_after_s=retry_after_s,
    )


def bad_cursor() -> ApiError:
    """A list is asked to go on from a place that it never gave."""
    return ApiError(
        422,
        "bad_cursor",
        "the cursor is none that this list gave",
        "cursor",
        "begin without a cursor, and keep the filters while paging",
    )
