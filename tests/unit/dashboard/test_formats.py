"""Numbers with units; what is unknown is a dash, never 0."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tachograph_dashboard import formats


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0000004, "0 µs"),
        (0.00025, "250 µs"),
        (0.184, "184 ms"),
        (0.9999, "1 s"),
        (1.664, "1.66 s"),
        (99.94, "99.9 s"),
        (170, "2 min 50 s"),
        (900, "15 min"),
        (7200, "2 h"),
        (7260, "2 h 1 min"),
    ],
)
def test_seconds(value: float | None, text: str) -> None:
    assert formats.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        (None, "USD", "–"),
        (Decimal(0), "USD", "$0"),
        (Decimal("1234.5"), "USD", "$1,234.50"),
        (Decimal("0.0123456"), "EUR", "€0.0123"),
        (Decimal("0.0000123"), "USD", "$0.0000123"),
        (Decimal(2), "CHF", "CHF 2.00"),
        (Decimal(2), "<b>", "¤ 2.00"),
        (Decimal(2), "[x](y)", "¤ 2.00"),
    ],
)
def test_money_shows_no_currency_that_is_not_a_code(
    value: Decimal | None, currency: str, text: str
) -> None:
    assert formats.money(value, currency) == text


@pytest.mark.parametrize(
    ("amount", "duration_s", "text"),
    [
        (None, 60, "–"),
        (400, 86400, "16.7 /h"),
        (90, 60, "1.5 /s"),
        (30, 60, "30 /min"),
        (12000, 60, "200 /s"),
        (1, 86400, "0.0417 /h"),
    ],
)
def test_frequency(amount: float | None, duration_s: float, text: str) -> None:
    assert formats.frequency(amount, duration_s) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (999, "999"), (12_345, "12.3 k"), (4_560_000, "4.56 M")]
)
def test_compact(value: float | None, text: str) -> None:
    assert formats.compact(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(None, "–"), (0, "0 %"), (0.0075, "0.75 %"), (0.931, "93 %")]
)
def test_percent(ratio: float | None, text: str) -> None:
    assert formats.percent(ratio) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (124, "124 J"), (52_000, "52 kJ"), (7.2e6, "2 kWh")]
)
def test_joules(value: float | None, text: str) -> None:
    assert formats.joules(value) == text


def test_moments_are_in_the_zone_that_the_page_states() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert formats.moment(noon, ZoneInfo("Europe/Berlin")) == "2026-07-01 14:00:00"
    assert formats.moment(noon.replace(tzinfo=None), UTC) == "2026-07-01 12:00:00"
    assert formats.nanosecond_moment(1_782_907_200_123_456_789, UTC) == "2026-07-01 12:00:00.123"
