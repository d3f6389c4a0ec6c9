"""Numbers as people read them: a unit beside each, an en dash for what is not known."""

import re
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

UNKNOWN = "–"
CURRENCY = re.compile(r"[A-Z]{3}")


def count(value: float | None) -> str:
    """12,345."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def compact(value: float | None) -> str:
    """1.2 k, 3.4 M: at most three digits."""
    if value is None:
        return UNKNOWN
    for size, suffix in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            return f"{value / (1e3 if suffix == ' k' else size):.3g}{suffix}"
    return f"{value:,.0f}"


def frequency(amount: float | None, duration_s: float) -> str:
    """How often, in the unit that gives a readable number: 12 /s, 3.5 /min, 16.7 /h."""
    if amount is None or duration_s <= 0:
        return UNKNOWN
    for unit, seconds_a_unit in (("s", 1.0), ("min", 60.0), ("h", 3600.0)):
        value = amount / duration_s * seconds_a_unit
        if value >= 1 or unit == "h":
            break
    return f"{value:,.0f} /{unit}" if value >= 100 else f"{value:.3g} /{unit}"


def percent(ratio: float | None) -> str:
    """0.031 as 3.1 %."""
    if ratio is None:
        return UNKNOWN
    share = ratio * 100
    return f"{share:.0f} %" if share == 0 or share >= 10 else f"{share:.2g} %"


def seconds(value: float | None) -> str:
    """820 ms, 1.24 s, 3 min 20 s."""
    if value is None:
        return UNKNOWN
    if value < 0.001:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1e3:.3g} ms" if value < 0.9995 else "1 s"
    if value < 100:
        return f"{value:.3g} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def nanoseconds(value: float | None) -> str:
    """A duration given in ns, as `seconds`."""
    return UNKNOWN if value is None else seconds(value / 1e9)


def money(value: Decimal | float | None, currency: str = "USD") -> str:
    """$1,234.50; small amounts keep three significant digits ($0.0000123)."""
    if value is None:
        return UNKNOWN
    number = float(value)
    sign = _sign(currency)
    if number == 0:
        return f"{sign}0"
    if abs(number) >= 1:
        return f"{sign}{number:,.2f}"
    text = f"{number:.3g}" if abs(number) >= 1e-4 else f"{number:.9f}".rstrip("0")
    return f"{sign}{text}"


def currency_name(currency: str) -> str:
    """The currency comes from senders: anything but three capital letters is shown as ¤."""
    return currency if currency.isascii() and CURRENCY.fullmatch(currency) else "¤"


def _sign(currency: str) -> str:
    signs = {"USD": "$", "EUR": "€", "GBP": "£", "": ""}
    return signs[currency] if currency in signs else f"{currency_name(currency)} "


def joules(value: float | None) -> str:
    """12 J, 3.4 kJ, 2.4 MJ, 1.2 kWh."""
    if value is None:
        return UNKNOWN
    if value >= 3.6e6:
        return f"{value / 3.6e6:.3g} kWh"
    if value >= 9.995e5:
        return f"{value / 1e6:.3g} MJ"
    return f"{value / 1e3:.3g} kJ" if value >= 1e4 else f"{value:.3g} J"


def gibibytes(value: float | None) -> str:
    """Bytes as GiB."""
    return UNKNOWN if value is None else f"{value / 2**30:.1f} GiB"


def number(value: float | None, digits: int = 2) -> str:
    """A plain number, `digits` after the point."""
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def moment(value: datetime | None, zone: tzinfo) -> str:
    """2026-11-22 19:40:56, in `zone` (which the page states)."""
    if value is None:
        return UNKNOWN
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)  # the store's times are UTC
    return aware.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def nanosecond_moment(time_ns: int, zone: tzinfo) -> str:
    """A time in ns since the epoch, to the millisecond."""
    whole = moment(datetime.fromtimestamp(time_ns // 10**9, UTC), zone)
    return f"{whole}.{time_ns // 10**6 % 1000:03d}"
