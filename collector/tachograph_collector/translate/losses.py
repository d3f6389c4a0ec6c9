"""What clients and sidecars say they dropped, as lines of the books."""

from typing import Final

from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint

from tachograph.semconv import attributes as a
from tachograph.semconv.metrics import CLIENT_DROPPED, SIGNAL
from tachograph_collector.translate.limits import Limits, expiry, utc
from tachograph_collector.translate.resource import Source
from tachograph_collector.translate.values import cut, python_values
from tachograph_store.queries.ledger import CLIENT_LINES
from tachograph_store.rows import LedgerRow

_MAX_TEXT_BYTES = 64
_SIGNALS: Final = frozenset({"spans", "metrics", "logs"})


def loss_row(
    metric: Metric, point: NumberDataPoint, source: Source, project: str, limits: Limits
) -> LedgerRow:
    """The line of one counter: `dropped` with its reason, or `submitted`.

    The counters are cumulative since the sender started: of all lines of one sender's instance
    the highest stands, so an export that is repeated or arrives late counts nothing twice.
    """
    attributes = python_values(point.attributes)
    signal = attributes.get(SIGNAL)
    reason = attributes.get(a.ERROR_TYPE)
    number = point.as_double if point.WhichOneof("value") == "as_double" else point.as_int
    count = int(number)
    return LedgerRow(
        project=project,
        collector=f"{CLIENT_LINES}{source.service_instance_id or source.ledger_name}",
        sequence=count,
        source=source.ledger_name,
        signal=signal if isinstance(signal, str) and signal in _SIGNALS else "spans",
        outcome="dropped" if metric.name == CLIENT_DROPPED else "submitted",
        reason=cut(reason, _MAX_TEXT_BYTES)[0] if isinstance(reason, str) else "",
        time=utc(point.time_unix_nano),
        count=count,
        expires_on=expiry(point.time_unix_nano, limits.retention_days),
    )
