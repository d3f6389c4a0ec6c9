"""Rows of a Tachograph export back into row objects, each value checked against the row contract."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

from tachograph_store.export_tables import EXPORT_TABLES
from tachograph_store.rows import TABLES

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_INT: Final = 2**64 - 1
_TIMES: Final = frozenset({"start_time", "span_time", "time", "event_times"})
"""Fields whose numbers are nanoseconds since the epoch."""

Convert = Callable[[Any], Any]


def row_of(table: str, values: Mapping[str, Any], **own: Any) -> Any:
    """The row; `own` fields are given by whom it is imported for.

    Raises:
        ValueError: names the field that is missing or has no such value.
    """
    given = dict(own)
    for name, convert, is_required in _fields(table):
        if name in given:
            continue
        if name not in values:
            if is_required:
                raise ValueError(f"{name} is missing")
            continue
        try:
            given[name] = convert(values[name])
        except (ValueError, TypeError, OverflowError, InvalidOperation, KeyError) as error:
            raise ValueError(f"{name}: {error}") from None
    return TABLES[table](**given)


@cache
def _fields(table: str) -> list[tuple[str, Convert, bool]]:
    hints = get_type_hints(TABLES[table])
    exported = set(EXPORT_TABLES[table].columns(with_content=True))
    return [
        (
            item.name,
            _converter(item.name, hints[item.name]),
            item.default is MISSING and item.default_factory is MISSING,
        )
        for item in fields(TABLES[table])
        if item.name in exported
    ]


def _converter(name: str, hint: Any) -> Convert:
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not NoneType]
    if NoneType in get_args(hint):
        inner = _converter(name, kinds[0])
        return lambda value: None if value is None else inner(value)
    origin = get_origin(hint)
    if origin is not None and issubclass(origin, Mapping):
        key, item = (_converter("", kind) for kind in get_args(hint))
        return lambda value: {key(k): item(v) for k, v in _pairs(value)}
    if origin is tuple:
        return _offset
    if origin is not None and issubclass(origin, Sequence):
        item = _converter(name, get_args(hint)[0])
        return lambda value: [item(element) for element in _list(value)]
    if name in _TIMES:
        return _nanoseconds
    return _PLAIN[hint]


def _pairs(value: Any) -> Any:
    return value.items() if isinstance(value, Mapping) else _list(value)


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError("not a list")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_INT:
        raise ValueError("not a whole number of 0 or more")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError("not a number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not true or false")
    return value


def _money(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise TypeError("not an amount")
    amount = Decimal(value)
    if not amount.is_finite():
        raise ValueError("not finite")
    return amount


def _date(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(_text(value))


def _moment(value: Any) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _nanoseconds(value: Any) -> int:
    """Of a number, or of text such as `2026-11-22 22:51:14.607978386`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    head, _, fraction = _text(value).partition(".")
    seconds = (_moment(head) - _EPOCH).total_seconds()
    if fraction and not (fraction.isascii() and fraction.isdigit() and len(fraction) <= 9):
        raise ValueError("not a time in nanoseconds")
    return int(seconds) * 1_000_000_000 + int(fraction.ljust(9, "0") or 0)


def _offset(value: Any) -> tuple[int, int, str]:
    if isinstance(value, Mapping):
        value = [value["start"], value["stop"], value["label"]]
    start, stop, label = _list(value)
    return _whole(start), _whole(stop), _text(label)


_PLAIN: Final[Mapping[Any, Convert]] = {
    str: _text,
    int: _whole,
    float: _number,
    bool: _flag,
    Decimal: _money,
    date: _date,
    datetime: _moment,
}
