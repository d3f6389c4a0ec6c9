"""Content as it is at the moment of the call, for as little of the caller's time as possible."""

from tachograph._internal.jsonable import to_jsonable

_MAX_ITEMS = 1000
_ITEM_BYTES = 16


def snapshot(value: object) -> tuple[object, int]:
    """JSON data that later changes of `value` cannot reach, and its estimated size in bytes.

    Texts are immutable and are not copied. A list of flat messages, what most calls are given, is
    copied one level deep; everything else goes through `to_jsonable`.
    """
    kind = type(value)
    if kind is str:
        return value, len(value)  # type: ignore[arg-type]
    if kind is list or kind is tuple:
        found = _flat_items(value)  # type: ignore[arg-type]
    elif kind is dict:
        found = _flat_dict(value)  # type: ignore[arg-type]
    else:
        found = None
    if found is not None:
        return found
    plain = to_jsonable(value)
    return plain, estimated_json_bytes(plain)


def _flat_items(items: list[object] | tuple[object, ...]) -> tuple[object, int] | None:
    if len(items) > _MAX_ITEMS:
        return None
    copied = list(items)
    size = 0
    for position, item in enumerate(copied):
        if type(item) is str:
            size += len(item) + _ITEM_BYTES
        elif type(item) is dict:
            found = _flat_dict(item)
            if found is None:
                return None
            copied[position], inner = found
            size += inner
        elif item is not None and type(item) is not int:
            return None
    return copied, size


def _flat_dict(value: dict[object, object]) -> tuple[object, int] | None:
    if len(value) > _MAX_ITEMS:
        return None
    copied = value.copy()
    size = _ITEM_BYTES
    for name, item in copied.items():
        if type(name) is not str:
            return None
        size += len(name) + _ITEM_BYTES
        if type(item) is str:
            size += len(item)
        elif item is not None and type(item) is not int and type(item) is not bool:
            return None
    return copied, size


def estimated_json_bytes(plain: object) -> int:
    """Roughly how long JSON data is as text."""
    if isinstance(plain, str):
        return len(plain) + _ITEM_BYTES
    if isinstance(plain, dict):
        return sum(
            len(name) + _ITEM_BYTES + estimated_json_bytes(item) for name, item in plain.items()
        )
    if isinstance(plain, list):
        return sum(map(estimated_json_bytes, plain))
    return _ITEM_BYTES
