"""Where every joule went: the accounts whose sum is the counter's."""

from dataclasses import dataclass


@dataclass(slots=True)
class Accounts:
    """Joules since the ledger began.

    `requests_j + idle_j + unattributed_j = counter_j`, bin by bin; each term is added up on its
    own, so that the equation is a check.

    Attributes:
        counter_j: what the devices drew in settled bins.
        requests_j: given to requests, the idle power of the time they were in flight included.
        idle_j: drawn while no request was in flight.
        unattributed_j: drawn beside requests and given to none.
        unmeasured_s: time for which no reading stands; nothing is said of its joules.
    """

    counter_j: float = 0.0
    requests_j: float = 0.0
    idle_j: float = 0.0
    unattributed_j: float = 0.0
    unmeasured_s: float = 0.0

    @property
    def imbalance(self) -> float | None:
        """The equation's error as a share of the counter; None before the first joule."""
        if not self.counter_j:
            return None
        booked_j = self.requests_j + self.idle_j + self.unattributed_j
        return abs(booked_j - self.counter_j) / self.counter_j
