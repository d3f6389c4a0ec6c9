"""How much may wait, how it is batched and how failures are retried."""

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryOptions:
    """Bounds and rhythm of one `Delivery`. Bounds hold for each signal (spans, metrics, logs)
    by itself, so that readings cannot crowd out spans while the collector is away."""

    max_records: int = 20_000
    """Records that may wait or be under way; one more is dropped and counted `queue_full`."""

    max_bytes: int = 64 * MEBIBYTE
    """Their estimated size; a record that does not fit is dropped and counted `queue_bytes`."""

    batch_records: int = 512
    """A batch leaves as soon as it has so many records …"""

    batch_bytes: int = 4 * MEBIBYTE
    """… or so many estimated bytes before compression. One larger record travels alone."""

    first_delay_s: float = 0.05
    """Longest wait of the first batch of the process, seconds."""

    delay_s: float = 1.0
    """Longest wait of later batches, seconds."""

    request_timeout_s: float = 10.0
    """Time limit of each socket operation of an export, seconds."""

    backoff_initial_s: float = 0.25
    """First pause after a failed export; doubles with each failure, with full jitter."""

    backoff_max_s: float = 5.0
    """Longest pause of our own; a collector's Retry-After may be longer."""

    retry_after_max_s: float = 300.0
    """A Retry-After above this is cut to it, seconds."""

    circuit_failures: int = 5
    """After so many failures in a row the collector is taken for away …"""

    circuit_pause_s: float = 30.0
    """… and tried with one batch so often, seconds, until it takes one."""

    retry_for_s: float = 3600.0
    """A batch that was tried for so long is dropped and counted `retries_exhausted`."""

    report_interval_s: float = 10.0
    """Shortest time between two client reports (`tachograph.client.*`), seconds."""

    is_compressed: bool = True
    """Send bodies with gzip."""

    ca_file: str | None = None
    """PEM file of the authorities that https endpoints are checked against; None: the system's."""

    spool_folder: str | None = None
    """Folder where batches wait on disk for a collector that is away; None: memory only."""

    spool_max_bytes: int = 16 * MEBIBYTE
    """Bytes of all files in that folder."""
