"""The clocks of spans: called through this module, so that the test kit can set them."""

import time

wall_ns = time.time_ns
"""Nanoseconds since 1970."""

monotonic_ns = time.perf_counter_ns
"""Nanoseconds of a clock that never jumps: durations come from it."""
