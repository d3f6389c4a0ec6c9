"""One HTTP exchange: the request's body as it comes, the answer as ClickHouse words it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from tachograph_store.embedded.compression import BodyDecoder, BodyEncoder, response_encoder
from tachograph_store.embedded.exceptions import (
    AUTHENTICATION_FAILED,
    QUERY_IS_TOO_LARGE,
    SOCKET_TIMEOUT,
    EngineException,
)

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

STALL_S = 60.0
"""Seconds that a client may neither send nor read before it is given up."""

_SERVICE_UNAVAILABLE = 503


class Disconnected(Exception):
    """The client went away: there is nobody to answer."""


class RequestBody:
    """A request's body, decoded, read once."""

    def __init__(self, encoding: str, receive: Receive, max_bytes: int) -> None:
        self._receive = receive
        self._decoder = BodyDecoder(encoding, max_bytes)
        self._ended = False
        self._chunks = self._read()

    async def _read(self) -> AsyncIterator[bytes]:
        while not self._ended:
            try:
                async with asyncio.timeout(STALL_S):
                    message = await self._receive()
            except TimeoutError:
                raise EngineException.of(
                    SOCKET_TIMEOUT, f"nothing of the body came for {STALL_S:g} s"
                ) from None
            if message["type"] == "http.disconnect":
                raise Disconnected
            self._ended = not message.get("more_body", False)
            for piece in self._decoder.feed(message.get("body", b"")):
                yield piece

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def up_to(self, size: int) -> bytes:
        """At least `size` bytes, or all there are; what follows stays unread."""
        head = bytearray()
        async for chunk in self._chunks:
            head += chunk
            if len(head) >= size:
                break
        return bytes(head)

    async def whole(self, limit: int) -> bytes:
        """All of it.

        Raises:
            EngineException: 77 above `limit` bytes.
        """
        body = await self.up_to(limit + 1)
        if len(body) > limit:
            raise EngineException.of(QUERY_IS_TOO_LARGE, f"a body above {limit} bytes")
        return body

    async def disconnected(self) -> None:
        """Return when the client has gone."""
        while (await self._receive())["type"] != "http.disconnect":
            continue


class Response:
    """The answer, begun once."""

    def __init__(self, send: Send, method: str) -> None:
        self._send = send
        self._has_body = method != "HEAD"
        self._started = False
        self._encoder: BodyEncoder | None = None
        self._tag = secrets.token_hex(8)
        self.query_id = secrets.token_hex(16)
        """What the answer calls the statement: the client's id, or one of our own."""

    async def start(
        self, status: int, headers: Mapping[str, str], accept_encoding: str = ""
    ) -> None:
        """Send the head; what follows is compressed as the client accepts it."""
        self._started = True
        encoding = response_encoder(accept_encoding)
        if encoding is not None:
            self._encoder = encoding[1]
            headers = {**headers, "Content-Encoding": encoding[0]}
        everything = {
            "X-ClickHouse-Query-Id": self.query_id,
            "X-ClickHouse-Timezone": "UTC",
            "X-ClickHouse-Server-Display-Name": "tachograph",
            "X-ClickHouse-Exception-Tag": self._tag,
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Content-Type-Options": "nosniff",
            **headers,
        }
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (k.encode("latin-1"), v.encode("latin-1")) for k, v in everything.items()
                ],
            }
        )

    async def body(self, data: bytes) -> None:
        """Send a piece of the body."""
        if self._encoder is not None:
            data = self._encoder.compress(data)
        await self._send_body(data)

    async def _send_body(self, data: bytes) -> None:
        if not data or not self._has_body:
            return
        try:
            async with asyncio.timeout(STALL_S):
                await self._send({"type": "http.response.body", "body": data, "more_body": True})
        except TimeoutError:
            # Who does not read must not hold a connection that others wait for.
            raise Disconnected from None

    async def finish(self) -> None:
        """Send the end."""
        if self._encoder is not None:
            await self._send_body(self._encoder.flush())
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def plain(self, status: int, text: bytes) -> None:
        """A whole small answer."""
        await self.start(status, {"Content-Length": str(len(text))})
        await self.body(text)
        await self.finish()

    async def error(self, error: EngineException) -> None:
        """A ClickHouse error: as status and header, or inside a body that has begun."""
        text = error.message.encode("utf-8", "backslashreplace")
        if self._started:
            # ClickHouse's frame for an exception in the middle of a result.
            tag = self._tag.encode()
            await self.body(
                b"\r\n__exception__\r\n%b\r\n%b\n%d %b\r\n__exception__\r\n"
                % (tag, text, len(text), tag)
            )
            await self.finish()
            return
        headers = {"X-ClickHouse-Exception-Code": str(error.code)}
        if error.status == _SERVICE_UNAVAILABLE:
            headers["Retry-After"] = "1"
        if error.code == AUTHENTICATION_FAILED:
            headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
        await self.start(error.status, {**headers, "Content-Length": str(len(text))})
        await self.body(text)
        await self.finish()
