"""Any Python value as plain JSON data, bounded, without running foreign code beyond need."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from typing import Final

_MAX_DEPTH: Final = 12
_MAX_ITEMS: Final = 1000
_MAX_NODES: Final = 20_000


def to_jsonable(value: object) -> object:
    """Dicts, lists and scalars that `json.dumps` takes.

    Dataclasses and pydantic models become dicts. Objects that have no such form become
    `<module.Class>`: their `repr` may be slow, large or leak what should stay inside. Depth,
    items and nodes are bounded; what is left out is replaced by a text that says so.
    """
    return _Converter().convert(value, 0)


class _Converter:
    def __init__(self) -> None:
        self._nodes = 0

    def convert(self, value: object, depth: int) -> object:
        self._nodes += 1
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else str(value)
        if isinstance(value, datetime | date):
            return value.isoformat()
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<{len(value)} bytes>"
        if depth >= _MAX_DEPTH or self._nodes >= _MAX_NODES:
            return f"{_class_name(value)[:-1]}: left out>"
        dump = getattr(type(value), "model_dump", None)
        if callable(dump):
            return self.convert(dump(value), depth + 1)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {
                field.name: self.convert(getattr(value, field.name), depth + 1)
                for field in dataclasses.fields(value)
            }
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, Sequence | AbstractSet):
            return self._items(value, depth)
        return _class_name(value)

    def _mapping(self, value: Mapping[object, object], depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        for position, (key, item) in enumerate(value.items()):
            if position >= _MAX_ITEMS:
                found["…"] = f"{len(value) - _MAX_ITEMS} more"
                break
            found[key if isinstance(key, str) else str(self.convert(key, depth + 1))] = (
                self.convert(item, depth + 1)
            )
        return found

    def _items(self, value: Sequence[object] | AbstractSet[object], depth: int) -> list[object]:
        found: list[object] = []
        for position, item in enumerate(value):
            if position >= _MAX_ITEMS:
                found.append(f"… {len(value) - _MAX_ITEMS} more")
                break
            found.append(self.convert(item, depth + 1))
        return found


def _class_name(value: object) -> str:
    kind = type(value)
    return f"<{kind.__module__}.{kind.__qualname__}>"
