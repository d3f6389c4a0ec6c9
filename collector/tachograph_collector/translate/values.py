"""OTLP values to Python values, strings and bounded text."""

import base64
import math
from collections.abc import Collection, Container
from decimal import Decimal, InvalidOperation

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Value = str | bool | int | float | list["Value"] | dict[str, "Value"] | None

MAX_READ_ATTRIBUTES = 4096
"""Of one span, event, record or resource: a body of 64 MiB has room for millions."""

MAX_COUNT = 10**15  # no token or byte count is larger; sums of millions of them still fit
MAX_CHUNK_COUNT = 2**32 - 1
_MAX_MONEY = Decimal(10) ** 9  # Decimal(18, 9)
_MONEY_STEP = Decimal(1).scaleb(-9)


def python_value(value: AnyValue) -> Value:
    """The value as plain Python; bytes become base64 text, unset becomes None."""
    match value.WhichOneof("value"):
        case "string_value":
            return value.string_value
        case "int_value":
            return value.int_value
        case "bool_value":
            return value.bool_value
        case "double_value":
            return value.double_value
        case "array_value":
            return [python_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return {item.key: python_value(item.value) for item in value.kvlist_value.values}
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case _:
            return None


def python_values(
    attributes: Collection[KeyValue], always: Container[str] = ()
) -> dict[str, Value]:
    """The attributes as plain Python; of a repeated key the last value stands.

    Of more than `MAX_READ_ATTRIBUTES` the first ones are read, and those whose key is in `always`.
    """
    if len(attributes) <= MAX_READ_ATTRIBUTES:
        return {attribute.key: python_value(attribute.value) for attribute in attributes}
    values: dict[str, Value] = {}
    for attribute in attributes:
        key = attribute.key
        if len(values) < MAX_READ_ATTRIBUTES or key in always:
            values[key] = python_value(attribute.value)
    return values


def text_of(value: Value) -> str:
    """The value as it is kept in a map: strings as they are, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # nan, inf: JSON has no word for them
    return orjson.dumps(value).decode()


def cut(text: str, limit_bytes: int) -> tuple[str, bool]:
    """Return the text within `limit_bytes` of UTF-8 and whether anything was cut."""
    if len(text) * 4 <= limit_bytes:
        return text, False
    encoded = text.encode()
    if len(encoded) <= limit_bytes:
        return text, False
    return encoded[:limit_bytes].decode(errors="ignore"), True


def as_text(value: Value) -> str | None:
    """A non-empty string, or None."""
    return value if isinstance(value, str) and value else None


def as_identifier(value: Value) -> str | None:
    """A user, session or tenant: strings as they are, whole numbers in digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return as_text(value)


def as_count(value: Value) -> int | None:
    """A whole number of 0 or more, also when written as a float or as digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= 19):
            return None
        value = int(value)
    if isinstance(value, float):
        if not math.isfinite(value) or not value.is_integer():
            return None
        value = int(value)
    if isinstance(value, int) and 0 <= value <= MAX_COUNT:
        return value
    return None


def as_chunk_count(value: Value) -> int | None:
    """A count that a 32-bit column holds."""
    count = as_count(value)
    return count if count is not None and count <= MAX_CHUNK_COUNT else None


def as_quantity(value: Value) -> float | None:
    """A finite number of 0 or more (seconds, joules); NaN and infinity are unavailable."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value)
    return number if math.isfinite(number) and number >= 0 else None


def as_flag(value: Value) -> bool | None:
    """A boolean, or None."""
    return value if isinstance(value, bool) else None


def as_texts(value: Value) -> list[str] | None:
    """A list of strings; a single string counts as a list of one."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [item for item in value if isinstance(item, str)]
    return None


def as_money(value: Value) -> Decimal | None:
    """An amount of 0 or more with nine decimals, as the cost columns hold."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount < _MAX_MONEY:
        return None
    return amount.quantize(_MONEY_STEP)
