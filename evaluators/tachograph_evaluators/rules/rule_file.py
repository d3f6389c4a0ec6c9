"""The evaluation file on disk: read again when it changes; a broken one keeps the last good rules."""

import logging
from collections.abc import Collection
from pathlib import Path

from tachograph_evaluators.alerts.rule_parser import RuleFileError
from tachograph_evaluators.alerts.rule_text import read_rule_text
from tachograph_evaluators.rules.parser import parse_rules
from tachograph_evaluators.rules.rule import RuleBook
from tachograph_evaluators.settings import EvaluatorSettings
from tachograph_store.settings import home

_log = logging.getLogger(__name__)


def rules_path(settings: EvaluatorSettings) -> Path:
    """`TACHOGRAPH_EVALUATORS_RULES`, else `<TACHOGRAPH_HOME>/evaluation.toml`."""
    return settings.rules or home() / "evaluation.toml"


def load_rules(path: Path, installed: Collection[str]) -> RuleBook:
    """Read the file now; where there is none, everything is judged by everything.

    Raises RuleFileError.
    """
    try:
        text, _ = read_rule_text(path, "TACHOGRAPH_EVALUATORS_RULES")
    except FileNotFoundError:
        return RuleBook()
    return parse_rules(text, path, installed)


class RuleFile:
    """The rules in force."""

    def __init__(self, path: Path, installed: Collection[str]) -> None:
        self._path = path
        self._installed = installed
        self._book: RuleBook | None = None
        self._seen: tuple[int, int, int] | None = None

    def current(self) -> RuleBook:
        """The file's rules, or the last good ones while it is broken.

        Raises RuleFileError when it has been broken from the start: a rule that was meant to leave
        answers out must not be read as "everything".
        """
        identity = self._identity()
        if self._book is not None and identity == self._seen:
            return self._book
        try:
            self._book = load_rules(self._path, self._installed)
        except RuleFileError as error:
            if self._book is None:
                raise
            _log.error("evaluation rules not in force, keeping the last good ones: %s", error)
        else:
            _log.info("%d evaluation rules are in force", len(self._book.rules))
        self._seen = identity
        return self._book

    def _identity(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino
