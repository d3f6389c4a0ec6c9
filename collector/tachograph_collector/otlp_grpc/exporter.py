"""One `Export` call: authenticate, read one message within bounds, hand it to the pipeline.

The handlers are registered as streaming ones although OTLP's calls carry one message (on the wire
they are the same): only so the caller is known, and a place to read is free, before the message is
taken into memory.
"""

import asyncio
import logging
from collections import Counter

import grpc
from grpc import aio

from tachograph.semconv.values import Role
from tachograph_collector.auth import Principal
from tachograph_collector.body import BODY_DEADLINE_S, too_slow
from tachograph_collector.errors import ApiError, malformed, unavailable
from tachograph_collector.ingest import Body
from tachograph_collector.otlp.decode import Encoding
from tachograph_collector.otlp.encode import encode
from tachograph_collector.otlp.signals import Signal
from tachograph_collector.otlp_grpc.caller import caller_of
from tachograph_collector.otlp_grpc.status import status_of
from tachograph_collector.service import Collector
from tachograph_store.errors import StoreError

_LOGGER = logging.getLogger(__name__)
MAX_CALLS = 1024
"""Calls of all connections at once; more are told to come again."""

_PLACE_DEADLINE_S = 5  # exporters give a call 10 s
_GZIP_MAGIC = b"\x1f\x8b"

_Context = aio.ServicerContext[bytes, bytes]


class Exporter:
    """Answers the calls of all signals. Used from one event loop."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        settings = collector.settings
        # A message grows in memory while it arrives, before its size is known: as many may
        # arrive at once as fit into the bound of bytes in flight, whatever they turn out to be.
        self._readers = asyncio.Semaphore(
            max(1, settings.max_in_flight_bytes // max_message_bytes(collector))
        )
        self._calls = 0
        self._running: set[asyncio.Task[bytes]] = set()

    async def export(self, signal: Signal, context: _Context) -> bytes:
        """The answer of one call, or its refusal by `context.abort`."""
        code = grpc.StatusCode.CANCELLED
        self._calls += 1
        try:
            answer = await self._answer(signal, context)
            code = grpc.StatusCode.OK
        except ApiError as error:
            code, message, trailer = status_of(error)
            await context.abort(code, message, trailer)
        finally:
            self._calls -= 1
            self._counts[signal.service, code.name] += 1
        return answer

    @property
    def _counts(self) -> Counter[tuple[str, str]]:
        return self._collector.requests.grpc_counts

    async def _answer(self, signal: Signal, context: _Context) -> bytes:
        try:
            if self._calls > MAX_CALLS:
                raise ApiError(
                    429,
                    "too_many_calls",
                    f"the collector is answering {MAX_CALLS} calls already",
                    remedy="retry after the given delay",
                    retry_after_s=self._collector.settings.retry_after_s,
                )
            principal = await caller_of(
                self._collector.authenticator,
                context.invocation_metadata() or (),
                context.peer(),
            )
            principal.require(Role.INGEST)
            content = await self._read(context)
            # A caller who goes away must not free the room of work that still runs.
            return await asyncio.shield(self._started(signal, principal, content))
        except ApiError:
            raise
        except StoreError as error:
            raise unavailable(str(error), self._collector.settings.retry_after_s) from error
        except Exception as error:
            # gRPC would tell the caller what the exception says.
            _LOGGER.exception("%s failed", signal.service)
            raise ApiError(
                500,
                "internal_error",
                "the collector failed at this request",
                remedy="see the collector's log",
            ) from error

    async def _read(self, context: _Context) -> bytes:
        try:
            async with asyncio.timeout(_PLACE_DEADLINE_S):
                await self._readers.acquire()
        except TimeoutError:
            raise self._collector.limiter.refusal() from None
        try:
            async with asyncio.timeout(BODY_DEADLINE_S):
                message = await context.read()
                if not isinstance(message, bytes):  # or gRPC has refused it for its size
                    raise malformed("the call carries no message")
                if isinstance(await context.read(), bytes):
                    raise malformed("the call carries more than one message")
                return message
        except TimeoutError:
            raise too_slow() from None
        finally:
            self._readers.release()

    def _started(
        self, signal: Signal, principal: Principal, content: bytes
    ) -> "asyncio.Task[bytes]":
        task = asyncio.create_task(self._keep(signal, principal, content))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _keep(self, signal: Signal, principal: Principal, content: bytes) -> bytes:
        with self._collector.limiter.lease() as lease:
            lease.grow(len(content))
            # No protobuf message begins so (it would be a field of an unknown wire type).
            encoding = "gzip" if content.startswith(_GZIP_MAGIC) else "identity"
            body = Body(principal, content, encoding, Encoding.PROTOBUF)
            rejections = await signal.keep(self._collector.ingest, body, lease)
        answer = signal.answer(rejections.total, rejections.message())
        return encode(answer, Encoding.PROTOBUF)


def max_message_bytes(collector: Collector) -> int:
    """Bytes of one message as it is sent."""
    settings = collector.settings
    return min(settings.max_compressed_body_bytes, settings.max_body_bytes)
