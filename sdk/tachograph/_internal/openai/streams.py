"""Streams that record themselves while the application reads them."""

from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, Protocol, Self

from tachograph._internal.errors import contained
from tachograph._internal.openai.reading import items, read
from tachograph._internal.spans import Span
from tachograph._internal.stream_timing import StreamTiming


class Assembly(Protocol):
    """Puts a streamed answer together."""

    def add(self, chunk: Any, /) -> bool:
        """Take one chunk in; True when it carries a part of the answer."""

    def finish(self) -> None:
        """Write what was gathered into the generation."""


class StreamRecord:
    """What the two kinds of streams share: note each chunk, end the span exactly once."""

    def __init__(
        self,
        span: Span,
        timing: StreamTiming,
        assembly: Assembly,
        end: Callable[[BaseException | None, bool], None],
        *,
        withholds_usage: bool,
    ) -> None:
        self.span = span
        self._timing = timing
        self._assembly = assembly
        self._end = end
        self._withholds_usage = withholds_usage
        self._is_ended = False

    def note(self, chunk: object) -> bool:
        """Record a chunk; False when the application did not ask for it and must not see it."""
        with contained("recording a chunk"):
            if self._assembly.add(chunk):
                self._timing.chunk()
            is_usage_only = read(chunk, "usage") is not None and not items(read(chunk, "choices"))
            return not (self._withholds_usage and is_usage_only)
        return True

    def end(self, error: BaseException | None = None, *, is_abandoned: bool = False) -> None:
        """The stream is over: read to its end, failed, or left by the application."""
        if self._is_ended:
            return
        self._is_ended = True
        with contained("ending a stream"):
            self._assembly.finish()
            self._end(error, is_abandoned)


class _Proxy:
    """Stands for the client's stream: everything not said here is the stream's own."""

    def __init__(self, stream: Any, record: StreamRecord) -> None:
        self._tachograph_stream = stream
        self._tachograph_record = record

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # so that isinstance(stream, openai.Stream) stays true
        return type(self._tachograph_stream)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_tachograph_"):  # not set yet: __init__ itself failed
            raise AttributeError(name)
        return getattr(self._tachograph_stream, name)

    def __del__(self) -> None:
        record = self.__dict__.get("_tachograph_record")
        if record is not None:
            record.end(is_abandoned=True)


class RecordedStream(_Proxy):
    """A synchronous stream. Dropped or closed before its end, it closes the response and is
    recorded as abandoned."""

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        record = self._tachograph_record
        while True:
            try:
                chunk = next(self._tachograph_stream)
            except StopIteration:
                record.end()
                raise
            except BaseException as error:
                record.end(error)
                raise
            if record.note(chunk):
                return chunk

    def close(self) -> None:
        self._tachograph_record.end(is_abandoned=True)
        self._tachograph_stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        super().__del__()
        stream = self.__dict__.get("_tachograph_stream")
        if stream is not None:
            with contained("closing an abandoned stream"):
                stream.close()


class RecordedAsyncStream(_Proxy):
    """An asynchronous stream. Dropped before its end it is recorded as abandoned; the event loop
    closes the response then, as it does without us."""

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        record = self._tachograph_record
        while True:
            try:
                chunk = await self._tachograph_stream.__anext__()
            except StopAsyncIteration:
                record.end()
                raise
            except BaseException as error:
                record.end(error)
                raise
            if record.note(chunk):
                return chunk

    async def close(self) -> None:
        self._tachograph_record.end(is_abandoned=True)
        await self._tachograph_stream.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
