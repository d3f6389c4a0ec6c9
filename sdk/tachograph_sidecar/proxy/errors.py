"""Answers that the sidecar gives itself, in the error shape that OpenAI clients understand."""

import json
from http import HTTPStatus


def error_body(message: str, code: str, remedy: str, kind: str = "sidecar_error") -> bytes:
    """`{"error": {...}}` as OpenAI clients read it, with the remedy that house errors carry."""
    return json.dumps(
        {
            "error": {
                "message": f"{message} {remedy}",
                "type": kind,
                "param": None,
                "code": code,
                "remedy": remedy,
            }
        }
    ).encode()


def write_response(
    status: int,
    body: bytes,
    *,
    content_type: bytes = b"application/json",
    close: bool = False,
    extra: bytes = b"",
    is_head: bool = False,
) -> bytes:
    """One whole response of the sidecar's own.

    Args:
        status: HTTP status code.
        body: the body; only its length is sent when `is_head`.
        content_type: of the body.
        close: whether the connection ends with it.
        extra: further header lines, each ending in CRLF.
        is_head: whether the request was HEAD.
    """
    lines = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()
        + b"content-type: "
        + content_type
        + b"\r\ncontent-length: "
        + str(len(body)).encode()
        + b"\r\n"
        + extra
        + (b"connection: close\r\n" if close else b"")
        + b"\r\n"
    )
    return lines if is_head else lines + body
