"""Prometheus text pages into samples; a page of garbage gives no samples and no exception."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter"]

MAX_LINE_CHARS = 16 * 1024
MAX_LABELS = 64

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:.]*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_.]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|(?=\}))')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
_ESCAPE = re.compile(r"\\.")
_PARTS = ("_bucket", "_sum", "_count", "_total")
_CUMULATIVE_PARTS = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a page, under the engine's own name. Histograms come as their parts."""

    name: str
    labels: Mapping[str, str]
    value: float
    kind: Kind


def parse_page(page: str, prefixes: tuple[str, ...]) -> Iterator[Sample | None]:
    """The samples whose names begin with one of `prefixes`.

    None stands for a line that gave none: whoever reads a long page may pause there. Values that
    are not finite are left out, and so are `_created` times.
    """
    types: dict[str, str] = {}
    for line in page.splitlines():
        if line.startswith("#"):
            words = line.split(None, 3)
            if len(words) == 4 and words[1] == "TYPE" and words[2].startswith(prefixes):
                types[words[2]] = words[3].strip()
            yield None
        elif not line.startswith(prefixes) or len(line) > MAX_LINE_CHARS:
            yield None
        else:
            yield _sample(line, types)


def _sample(line: str, types: Mapping[str, str]) -> Sample | None:
    match = _NAME.match(line)
    if match is None:
        return None
    name, position = match.group(), match.end()
    labels: dict[str, str] = {}
    if line[position : position + 1] == "{":
        position += 1
        while line[position : position + 1] not in ("}", ""):
            label = _LABEL.match(line, position)
            if label is None or len(labels) >= MAX_LABELS:
                return None
            labels[label[1]] = _ESCAPE.sub(lambda m: _ESCAPES.get(m.group(), m.group()), label[2])
            position = label.end()
        position += 1
    fields = line[position:].split()
    if not fields or len(fields) > 2 or name.endswith("_created"):
        return None
    try:
        value = float(fields[0])
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    return Sample(name, labels, value, _kind(name, types))


def _kind(name: str, types: Mapping[str, str]) -> Kind:
    own = types.get(name)
    if own is not None:
        return "counter" if own == "counter" else "gauge"
    for part in _PARTS:
        if name.endswith(part):
            family = types.get(name.removesuffix(part), "")
            if family == "counter" and part == "_total":
                return "counter"
            if part in _CUMULATIVE_PARTS.get(family, ()):
                return "counter"
    return "gauge"
