"""Jumps of the wall clock: set by hand, by a time server, or because the machine slept."""

import logging
import time
from dataclasses import dataclass
from typing import Final

_LOGGER = logging.getLogger(__name__)
TOLERANCE_S: Final = 5.0
"""Between two looks; time servers slew a clock far slower."""


@dataclass(slots=True)
class ClockWatch:
    """Counts jumps. Nothing here depends on the wall clock's course: versions only grow, ages and
    deadlines are measured by the monotonic clock or never negative; event times are the senders'.
    """

    jumps: int = 0
    _offset_s: float | None = None

    def look(self, wall_s: float | None = None, monotonic_s: float | None = None) -> None:
        """Compare the clocks, by default those of this moment, seconds."""
        wall_s = time.time() if wall_s is None else wall_s
        monotonic_s = time.monotonic() if monotonic_s is None else monotonic_s
        offset_s = wall_s - monotonic_s
        if self._offset_s is not None and abs(offset_s - self._offset_s) > TOLERANCE_S:
            self.jumps += 1
            _LOGGER.warning("the clock jumped by %+.1f s", offset_s - self._offset_s)
        self._offset_s = offset_s
