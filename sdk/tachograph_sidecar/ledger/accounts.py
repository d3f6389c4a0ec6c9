"""Where every joule went: the accounts beside the counter, each measured by itself."""

from dataclasses import dataclass


@dataclass(slots=True)
class Accounts:
    """Joules since the ledger began.

    The counter is read by itself; requests, idle and others are metered by the power (ten readings a
    second). What the counter says beside them is unattributed, and may be negative: that is the
    measurement, `counter_j = requests_j + idle_j + others_j + unattributed_j`, before anything is
    booked. Afterwards each owner of a bin bears its part of the bin's remainder, so that spans sum to
    the counter: `remainder_j` says how much of the unattributed the spans carry.

    Attributes:
        counter_j: what the devices drew in settled bins, by their own counters (by the power where a
            device has none: then nothing is unattributed).
        requests_j: of requests, the idle power of the time they were in flight included.
        idle_j: drawn while no request was in flight.
        others_j: of processes beside the engine, by their share of the SM utilisation.
        others_error_j: doubt of that: in bins where engine and others both ran, the smaller part.
        others_known_s: time for which it was known who else ran; without any `others_j` says nothing.
        unattributed_j: the counter less the three.
        remainder_j: of it, booked to requests after the measurement.
        unmeasured_s: time for which no reading stands; nothing is said of its joules.
    """

    counter_j: float = 0.0
    requests_j: float = 0.0
    idle_j: float = 0.0
    others_j: float = 0.0
    others_error_j: float = 0.0
    others_known_s: float = 0.0
    unattributed_j: float = 0.0
    remainder_j: float = 0.0
    unmeasured_s: float = 0.0

    @property
    def unattributed_share(self) -> float | None:
        """The unattributed as a share of the counter, its sign left out; None before the first joule."""
        return abs(self.unattributed_j) / self.counter_j if self.counter_j else None

    @property
    def imbalance(self) -> float | None:
        """The arithmetic's own error as a share of the counter, bin by bin sums against each other."""
        if not self.counter_j:
            return None
        terms_j = self.requests_j + self.idle_j + self.others_j + self.unattributed_j
        return abs(terms_j - self.counter_j) / self.counter_j
