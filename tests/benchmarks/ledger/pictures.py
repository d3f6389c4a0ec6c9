"""Pictures of a recording as SVG, without a plotting library: two scatters and a trace of the power."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tests.benchmarks.ledger.recording import Recording
from tests.benchmarks.ledger.replay import Compared

_WIDTH, _HEIGHT, _EDGE = 420, 380, 56
_INK, _FAINT, _OWN, _OTHER = "#24292f", "#d0d7de", "#0969da", "#bf8700"
_NS = 1e9


@dataclass(frozen=True, slots=True)
class Points:
    """One series of a scatter."""

    name: str
    colour: str
    compared: Compared


def scatter(title: str, truth: str, own: Compared, by_time: Compared) -> str:
    """Joules given (up) over joules measured apart (right), both logarithmic, with the line of equals.

    Measured energies at or below nothing lie on the left edge.
    """
    series = (Points("by work", _OWN, own), Points("by time", _OTHER, by_time))
    values = [v for one in series for v in (*one.compared.given_j, *one.compared.truth_j) if v > 0]
    low = math.floor(math.log10(min(values)))
    high = math.ceil(math.log10(max(values)))
    side = _HEIGHT - 2 * _EDGE

    def place(joules: float) -> float:
        return (math.log10(max(joules, 10.0**low)) - low) / (high - low) * side

    parts = [_line(_EDGE, _HEIGHT - _EDGE, _EDGE + side, _EDGE, _FAINT, "4 4")]
    for power in range(low, high + 1):
        at = place(10.0**power)
        parts += [
            _line(_EDGE + at, _EDGE, _EDGE + at, _HEIGHT - _EDGE, _FAINT),
            _line(_EDGE, _HEIGHT - _EDGE - at, _EDGE + side, _HEIGHT - _EDGE - at, _FAINT),
            _text(_EDGE + at, _HEIGHT - _EDGE + 16, f"{10.0**power:g}", "middle"),
            _text(_EDGE - 6, _HEIGHT - _EDGE - at + 4, f"{10.0**power:g}", "end"),
        ]
    for number, one in enumerate(series):
        parts += [
            f'<circle cx="{_EDGE + place(t):.1f}" cy="{_HEIGHT - _EDGE - place(g):.1f}" r="3.5" '
            f'fill="{one.colour}" fill-opacity="0.7"/>'
            for g, t in zip(one.compared.given_j, one.compared.truth_j, strict=True)
        ]
        rank = one.compared.spearman
        shown = "–" if rank is None else f"{rank:.2f}"
        parts.append(
            _text(_EDGE + 8, _EDGE + 16 + 15 * number, f"{one.name}: {shown}", fill=one.colour)
        )
    parts += [
        _text(_EDGE, 24, title),
        _text(_EDGE, 40, "joules given, rank correlation beside the rule"),
        _text(_EDGE + side, _HEIGHT - 16, truth, "end"),
    ]
    return _svg(_WIDTH, _HEIGHT, parts)


def trace(recording: Recording, kind: str = "mixed") -> str:
    """Power and requests in flight over the first load of a kind."""
    load = next(one for one in recording.experiments if one.kind == kind)
    start, stop = load.start_ns, load.stop_ns
    width, height = 860, 300
    power = [
        ((at - start) / _NS, sum(w for w in watts if w is not None))
        for at, watts in recording.power
        if start <= at <= stop
    ]
    requests = [one for one in recording.requests if one.experiment == load.number]
    flight = _in_flight([(one.begin_ns - start, one.end_ns - start) for one in requests])
    length = (stop - start) / _NS
    top_w = math.ceil(max(w for _, w in power) / 100) * 100
    top_count = max(count for _, count in flight)

    def x(seconds: float) -> float:
        return _EDGE + seconds / length * (width - 2 * _EDGE)

    def y(share: float) -> float:
        return height - _EDGE - share * (height - 2 * _EDGE)

    steps = " ".join(f"{x(s):.1f},{y(n / top_count):.1f}" for s, n in _stairs(flight))
    curve = " ".join(f"{x(s):.1f},{y(w / top_w):.1f}" for s, w in power)
    parts = [
        f'<polyline points="{steps}" fill="none" stroke="{_OTHER}" stroke-opacity="0.8"/>',
        f'<polyline points="{curve}" fill="none" stroke="{_OWN}" stroke-width="1.5"/>',
        _line(_EDGE, y(0), width - _EDGE, y(0), _INK),
        _text(_EDGE, 24, f"{kind} load: {len(requests)} requests"),
        _text(_EDGE, 40, "power (W, left)", fill=_OWN),
        _text(width - _EDGE, 40, "requests in flight (right)", "end", _OTHER),
        _text(width - _EDGE, height - 16, f"{length:.0f} s", "end"),
    ]
    for watts in range(0, top_w + 1, 100):
        parts.append(_text(_EDGE - 6, y(watts / top_w) + 4, str(watts), "end"))
    for count in (0, top_count // 2, top_count):
        parts.append(_text(width - _EDGE + 6, y(count / top_count) + 4, str(count)))
    return _svg(width, height, parts)


def _in_flight(spans: Sequence[tuple[int, int]]) -> list[tuple[float, int]]:
    changes = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans])
    found, count = [(0.0, 0)], 0
    for at, change in changes:
        count += change
        found.append((at / _NS, count))
    return found


def _stairs(points: Sequence[tuple[float, int]]) -> list[tuple[float, int]]:
    found = [points[0]]
    for at, count in points[1:]:
        found += [(at, found[-1][1]), (at, count)]
    return found


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dash: str = "") -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashes}/>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start", fill: str = _INK) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(text)}</text>'
    )


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="white"/>' + "\n".join(parts) + "</svg>\n"
    )
