"""Personal data: e-mail addresses, numbers that identify people or accounts, addresses."""

import ipaddress
import re

from tachograph_detectors.checksums import is_iban, is_luhn, is_ssn
from tachograph_detectors.finding import Detector

_CARD_LENGTHS = {12, 13, 14, 15, 16, 18, 19}
_NUMBER = r"(?:\+|\()?[0-9](?:[ ./()-]{0,3}[0-9]){6,14}(?:x[0-9]{1,6})?"
_DATE = re.compile(
    r"(?:19|20)\d\d[-./ ][01]?\d[-./ ][0-3]?\d|[0-3]?\d[-./ ][0-3]?\d[-./ ](?:19|20)\d\d"
)


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def _card(text: str) -> float | None:
    digits = _digits(text)
    if len(digits) not in _CARD_LENGTHS or len(set(digits)) == 1 or not is_luhn(digits):
        return None
    prefix = int(digits[:4])
    if len(digits) in (12, 18):  # Maestro alone has these lengths, and few who are asked for it
        return 0.7 if digits[0] == "6" or prefix // 100 in (50, 56, 57, 58) else None
    is_jcb = len(digits) == 15 and prefix in (1800, 2131)
    return 0.95 if digits[0] in "3456" or 2221 <= prefix <= 2720 or is_jcb else None


def _ssn(text: str) -> float | None:
    return 0.85 if is_ssn(_digits(text)) else None


def _iban(text: str) -> float | None:
    return 0.98 if is_iban(text.replace(" ", "").replace("-", "").upper()) else None


def _phone(text: str) -> float | None:
    digits = _digits(text)
    is_international = text[0] == "+" or (digits.startswith("00") and digits[2] != "0")
    if is_international:
        return 0.9 if 8 <= len(digits) <= 15 else None
    groups = re.findall(r"[0-9]+", text)
    if len(groups) < 2 or _DATE.fullmatch(text) or not 9 <= len(digits) <= 12:
        return None
    if len(digits) in (10, 11) and [len(group) for group in groups[-3:]] == [3, 3, 4]:
        return 0.8
    is_ssn_shape = [len(group) for group in groups] == [3, 2, 4]
    return 0.6 if digits[0] == "0" and len(groups[0]) >= 2 and not is_ssn_shape else None


def _named_phone(text: str) -> float | None:
    """A number that its surroundings call a phone number."""
    digits = _digits(text)
    if not 7 <= len(digits) <= 15 or _DATE.fullmatch(text):
        return None
    return 0.75


def _ip(text: str) -> float | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A private or loopback address says where a service runs, not who somebody is.
    return 0.7 if address.is_global else 0.3


DETECTORS = (
    Detector(
        "email",
        re.compile(
            r"(?<![\w.%+-])[A-Za-z0-9](?:[\w%+-]|\.(?=[\w%+-])){0,63}"
            r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}[A-Za-z]{2,24}(?![\w-])"
        ),
        0.95,
        ("@",),
    ),
    Detector(
        "credit_card",
        re.compile(
            r"(?<!\w)(?<![0-9]\.)(?:(?:[2-6][0-9]{11,18}|1800[0-9]{11})|[2-6][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}"
            r"|3[0-9]{3}([ -])[0-9]{6}\2[0-9]{5})(?!\w)(?!\.[0-9])"
        ),
        0.95,
        check=_card,
    ),
    Detector(
        "iban",
        re.compile(
            r"(?<!\w)[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?(?!\w)"
        ),
        0.98,
        check=_iban,
    ),
    Detector(
        "us_ssn",
        re.compile(r"(?<![\w.-])[0-9]{3}([- ])[0-9]{2}\1[0-9]{4}(?![\w-])"),
        0.85,
        check=_ssn,
    ),
    Detector(
        "phone",
        re.compile(
            r"(?<![\w.+/-])(?:\+|\()?[0-9](?:(?:\) | \(0\)|[ ./()-])?[0-9]){6,14}(?![\w-])(?!\.[0-9])"
        ),
        0.8,
        check=_phone,
    ),
    Detector(
        "phone",
        re.compile(
            r"(?i)(?<!\w)(?:(?:tele|i)?phone|tel|mobile|cell|fax|desk|office|call(?: (?:me|us|him|her))?"
            r"(?: back)?(?: on| at)?|answering at|reach (?:me|us) (?:on|at)|dial)(?: number)?"
            rf"(?:\.|:| is|){{1,2}}\s{{1,4}}({_NUMBER})(?![\w-])(?!\.[0-9])"
        ),
        0.75,
        check=_named_phone,
        group=1,
    ),
    Detector(
        "phone",
        re.compile(
            rf"(?i)(?<![\w.+/(-])({_NUMBER})[ ,-]{{1,2}}(?:office|fax|mobile|home|cell|desk)(?!\w)"
        ),
        0.75,
        check=_named_phone,
        group=1,
    ),
    Detector(
        "ip_address",
        re.compile(r"(?<![\w.-])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w-])(?!\.[0-9])"),
        0.7,
        (".",),
        check=_ip,
    ),
    Detector(
        "ip_address",
        re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{3,39}(?![\w:])"),
        0.7,
        (":",),
        check=_ip,
    ),
)
