from collections.abc import Callable, Mapping, Sequence
from typing import Any

PACKERS: Mapping[str, Callable[[Sequence[Any]], bytes]]
