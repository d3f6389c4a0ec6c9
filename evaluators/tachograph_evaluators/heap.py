"""Memory that was freed goes back to the system: a scoring process stays as large as its models.

What a batch needs for a moment (activations of some 10 MB each) lies between small objects that live
on; glibc keeps such holes, and the process grows by hundreds of megabytes in its first minutes.
"""

import ctypes
import functools
import sys
from typing import Any, Final

_TRIM_THRESHOLD: Final = -1  # mallopt's M_TRIM_THRESHOLD (glibc, malloc.h)
_MMAP_THRESHOLD: Final = -3  # M_MMAP_THRESHOLD
_KEPT_BYTES: Final = 64 * 1024 * 1024  # between two trims: the next layer wants the same again
_LARGE_BYTES: Final = 16 * 1024 * 1024  # by default it follows the largest block freed so far


@functools.cache
def _glibc() -> Any:
    """The C library where it is glibc, else None."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None


def keep_small() -> None:
    """Large blocks are the system's from the start; call once, before models are loaded."""
    library = _glibc()
    if library is not None:
        library.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)


def trim() -> None:
    """Give back what is free; milliseconds, so call it between batches."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)
