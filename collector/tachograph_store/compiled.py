"""Whether the compiled parts are wanted; docs/decisions/0029-compiled-path.md says what they are.

They are used where they were built, which an installation with a C compiler does by itself. What they
do is done in Python otherwise, to the same bytes and more slowly.
"""

import os
from typing import Final

VARIABLE: Final = "TACHOGRAPH_COMPILED"
"""`off` has everything done in Python."""


def is_wanted() -> bool:
    """What the environment says; anything but `off`, `0` and `false` is yes."""
    return os.environ.get(VARIABLE, "on").strip().lower() not in ("off", "0", "false")
