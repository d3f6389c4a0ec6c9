"""Copies of bodies kept for telemetry: bounded each, and bounded in all."""


class Budget:
    """Bytes that all copies together may hold."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.used = 0

    def take(self, size: int) -> bool:
        """Reserve `size` bytes; False when they would be too many."""
        if self.used + size > self._limit:
            return False
        self.used += size
        return True

    def give_back(self, size: int) -> None:
        self.used -= size


class BoundedCopy:
    """The beginning of a body and, where it is longer, its last bytes.

    Attributes:
        is_cut: the copy is not the whole body.
        total: bytes that the body has.
    """

    TAIL_BYTES = 16 * 1024

    def __init__(self, limit: int, budget: Budget) -> None:
        self._limit = limit
        self._budget = budget
        self._parts: list[bytes] = []
        self._kept = 0
        self._tail = b""
        self.total = 0
        self.is_cut = False

    def add(self, data: bytes) -> None:
        self.total += len(data)
        if not self.is_cut:
            room = self._limit - self._kept
            if len(data) <= room and self._budget.take(len(data)):
                self._parts.append(data)
                self._kept += len(data)
                return
            self.is_cut = True
        self._tail = (self._tail + data[-self.TAIL_BYTES :])[-self.TAIL_BYTES :]

    @property
    def head(self) -> bytes:
        """The first bytes: the whole body unless `is_cut`."""
        return b"".join(self._parts)

    @property
    def tail(self) -> bytes:
        """The last bytes of a body that was cut (they may overlap nothing of `head`)."""
        return self._tail

    def clear(self) -> None:
        """Forget the copy and return its bytes to the budget."""
        self._budget.give_back(self._kept)
        self._parts = []
        self._kept = 0
        self._tail = b""
