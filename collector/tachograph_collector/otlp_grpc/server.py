"""The gRPC server: which port, which services, which bounds on a connection."""

import contextlib
import logging
from collections.abc import AsyncIterator

import grpc
from grpc import aio

from tachograph_collector.otlp.signals import SIGNALS, Signal
from tachograph_collector.otlp_grpc.exporter import Exporter, max_message_bytes
from tachograph_collector.service import Collector

_LOGGER = logging.getLogger(__name__)
_GRACE_S = 4.0  # for calls that were accepted when the stop came
_MAX_CONNECTIONS = 1024
_MAX_STREAMS = 256  # calls of one connection at once; a client's further ones wait there
_MIB = 1024 * 1024
_ALGORITHMS = 0b101  # identity and gzip


@contextlib.asynccontextmanager
async def running_grpc(collector: Collector) -> AsyncIterator[str | None]:
    """Listen, give the address (`host:port`), and at the end finish what was accepted.

    None when `grpc_port` is `off`. Raises `OSError` when the port is taken.
    """
    port = collector.settings.grpc_port
    if port == "off":
        yield None
        return
    server = aio.server(
        options=_options(max_message_bytes(collector), collector.process is not None)
    )
    exporter = Exporter(collector)
    server.add_generic_rpc_handlers([_handler(exporter, signal) for signal in SIGNALS])
    host = collector.settings.host
    shown = f"[{host}]" if ":" in host else host
    try:
        port = server.add_insecure_port(f"{shown}:{port}")
    except RuntimeError as error:  # it names no reason
        raise OSError(
            f"cannot listen on {shown}:{port} for OTLP/gRPC: the port is taken or the address is "
            "not this machine's; set TACHOGRAPH_COLLECTOR_GRPC_PORT (`off` for none)"
        ) from error
    await server.start()
    try:
        yield f"{shown}:{port}"
    finally:
        await server.stop(_GRACE_S)


def _options(max_bytes: int, is_shared: bool) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", max_bytes),
        # Left to us: the pipeline decompresses within the same bounds as a body of HTTP, in its
        # own threads, after its bytes have found room.
        ("grpc.per_message_decompression", 0),
        ("grpc.compression_enabled_algorithms_bitset", _ALGORITHMS),
        # Not by accident: a second collector would silently get half of the calls.
        ("grpc.so_reuseport", int(is_shared)),
        ("grpc.max_concurrent_streams", _MAX_STREAMS),
        ("grpc.max_allowed_incoming_connections", _MAX_CONNECTIONS),
        ("grpc.server_handshake_timeout_ms", 10_000),
        ("grpc.keepalive_time_ms", 60_000),  # a peer that vanished gives its memory back
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 2),
        ("grpc.max_connection_idle_ms", 900_000),
    ]


def _handler(exporter: Exporter, signal: Signal) -> grpc.GenericRpcHandler:
    async def export(
        messages: AsyncIterator[bytes], context: "aio.ServicerContext[bytes, bytes]"
    ) -> bytes:
        return await exporter.export(signal, context)

    return grpc.method_handlers_generic_handler(
        signal.service, {"Export": grpc.stream_unary_rpc_method_handler(export)}
    )
