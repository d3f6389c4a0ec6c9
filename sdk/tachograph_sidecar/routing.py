"""The routing file: which engines there are, and who may use them how much. Read again on SIGHUP."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tachograph_sidecar.proxy.admission import PRIORITIES, AdmissionRules, TenantRule
from tachograph_sidecar.proxy.pool import Upstream, parse_upstreams

_ADMISSION = {
    "max_in_flight": int,
    "max_waiting": int,
    "max_wait_s": float,
    "promote_after_s": float,
}
_RATES = ("requests_per_minute", "tokens_per_minute")
OTHER_TENANTS = "*"


@dataclass(frozen=True, slots=True)
class Routing:
    """A routing file as read.

    Attributes:
        upstreams: the engines; None: those of `--upstream`.
        rules: limits and order; None: every request goes at once.
    """

    upstreams: tuple[Upstream, ...] | None = None
    rules: AdmissionRules | None = None


def read_routing(path: Path) -> Routing:
    """Read a routing file.

    Raises ValueError, naming file, field and remedy, and OSError when it cannot be read.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from error
    try:
        _only(content, {"upstreams", "admission", "tenants"}, "the file")
        return Routing(_upstreams(content), _rules(content))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _upstreams(content: Mapping[str, Any]) -> tuple[Upstream, ...] | None:
    urls = content.get("upstreams")
    if urls is None:
        return None
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise ValueError('upstreams needs a list of base URLs: ["http://127.0.0.1:8001"]')
    return parse_upstreams(",".join(urls))


def _rules(content: Mapping[str, Any]) -> AdmissionRules | None:
    if "admission" not in content and "tenants" not in content:
        return None
    admission = _table(content, "admission")
    _only(admission, set(_ADMISSION), "[admission]")
    given = {
        name: kind(_positive(admission[name], f"admission.{name}", whole=kind is int))
        for name, kind in _ADMISSION.items()
        if name in admission
    }
    tenants = _table(content, "tenants")
    found = {name: _tenant(name, table) for name, table in tenants.items()}
    other = found.pop(OTHER_TENANTS, TenantRule())
    return AdmissionRules(**given, tenants=found, other=other)


def _tenant(name: str, table: object) -> TenantRule:
    place = f'[tenants."{name}"]'
    if not isinstance(table, dict):
        remedy = f"needs to be a table with {', '.join(_RATES)} or priority"
        raise ValueError(f"{place} {remedy}")  # noqa: TRY004 - bad input, whatever its type
    _only(table, {*_RATES, "priority"}, place)
    priority = table.get("priority", "medium")
    if priority not in PRIORITIES:
        raise ValueError(f"{place}: priority needs one of {', '.join(PRIORITIES)}")
    rates = {
        rate: _positive(table[rate], f"{place}: {rate}", whole=False)
        for rate in _RATES
        if rate in table
    }
    return TenantRule(**rates, priority=priority)


def _table(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, dict):
        problem = f"{name} needs to be a table: [{name}]"
        raise ValueError(problem)  # noqa: TRY004 - bad input, whatever its type
    return table


def _only(table: Mapping[str, Any], known: set[str], place: str) -> None:
    for name in table:
        if name not in known:
            raise ValueError(f"{place} has no field {name!r}: it takes {', '.join(sorted(known))}")


def _positive(value: object, place: str, *, whole: bool) -> float:
    number = float(value) if isinstance(value, int | float) and value is not True else 0.0
    if not 0 < number < 1e12 or (whole and not number.is_integer()):
        raise ValueError(f"{place} needs a {'whole ' if whole else ''}number above 0")
    return number
