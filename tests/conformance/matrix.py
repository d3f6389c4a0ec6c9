"""The people's view of the expected tables: package by column."""

from collections.abc import Sequence

from tests.conformance.expected import COLUMNS, Expectation, calls_of

_LEGEND = "all: as on the wire in every call; n/m: in n of m calls, see the reasons; -: never"


def render(packages: Sequence[tuple[str, Sequence[Expectation]]]) -> str:
    """How many calls of each package give each column, and why the others do not."""
    widths = [max(len(name), 5) for name, _ in packages]
    shown = max(map(len, COLUMNS))
    lines = ["", "column".ljust(shown) + "  " + "  ".join(
        name.ljust(width) for (name, _), width in zip(packages, widths, strict=True)
    )]  # fmt: skip
    for column in COLUMNS:
        cells = [_cell(column, expected) for _, expected in packages]
        if any(cells):
            padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
            lines.append(column.ljust(shown) + "  " + "  ".join(padded))
    lines += ["", _LEGEND, ""]
    for name, expected in packages:
        reasons: dict[str, set[str]] = {}
        for item in calls_of(expected):
            for column, reason in item.reasons.items():
                reasons.setdefault(reason, set()).add(column)
        lines += [f"{name}: {', '.join(sorted(of))}: {why}" for why, of in reasons.items()]
    return "\n".join(lines)


def _cell(column: str, expected: Sequence[Expectation]) -> str:
    calls = calls_of(expected)
    deviating = sum(column in item.reasons for item in calls)
    told = sum(
        item.values.get(column) not in (None, "", []) and column not in item.reasons
        for item in calls
    )
    if not told and not deviating:
        return ""
    if not deviating:
        return "all"
    return f"{told}/{told + deviating}" if told else "-"
