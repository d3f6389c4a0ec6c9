"""Finding evaluators by entry point; one broken plugin does not hide the others."""

import logging
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Final

from tachograph_evaluators.evaluator import Evaluator, NotConfigured

GROUP: Final = "tachograph.evaluators"

_log = logging.getLogger(__name__)
_left_out: dict[str, str] = {}


def left_out() -> Mapping[str, str]:
    """Installed evaluators that the last look left out, and which setting each lacks."""
    return dict(_left_out)


class UnknownEvaluator(LookupError):
    """A setting or a hint names an evaluator that is not installed."""


def installed(enabled: Sequence[str] = ()) -> Mapping[str, Evaluator]:
    """Every registered evaluator by name, or the `enabled` ones only.

    One that lacks a setting it needs is left out, unless `enabled` names it.

    Raises UnknownEvaluator when `enabled` names one that no package registers, NotConfigured when
    it names one that lacks a setting.
    """
    _left_out.clear()
    found: dict[str, Evaluator] = {}
    points = {point.name: point for point in entry_points(group=GROUP)}
    for name in enabled:
        if name not in points:
            raise UnknownEvaluator(
                f"no installed package registers an evaluator {name!r}; "
                f"installed: {', '.join(sorted(points)) or 'none'}"
            )
    for name in enabled or sorted(points):
        try:
            factory: Callable[[], object] = points[name].load()
            evaluator = factory()
        except NotConfigured as reason:
            if enabled:
                raise
            _left_out[name] = str(reason)
            continue
        except Exception:  # noqa: BLE001 - a stranger's plugin may raise anything at import
            _log.exception("evaluator %r cannot be loaded; the others go on", name)
            continue
        if not isinstance(evaluator, Evaluator):
            _log.error("evaluator %r lacks attributes of the protocol; it is left out", name)
            continue
        found[evaluator.name] = evaluator
    return found
