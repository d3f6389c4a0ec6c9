"""The rule file on disk: read again when it changes; a broken one keeps the last good rules."""

import logging
import threading
from pathlib import Path

from tachograph_evaluators.alerts.rule_parser import RuleFileError, parse_rules
from tachograph_evaluators.alerts.rule_text import read_rule_text
from tachograph_evaluators.alerts.rules import RuleBook

_log = logging.getLogger(__name__)


def load_rules(path: Path) -> RuleBook:
    """Read the file now. Raises RuleFileError; a file that is not there is one too."""
    try:
        text, modified_at = read_rule_text(path, "TACHOGRAPH_EVALUATORS_ALERT_RULES")
    except FileNotFoundError:
        remedy = "write one (docs/alerts.md has an example), or name another with --rules"
        raise RuleFileError(path, [f"is not there; {remedy}"]) from None
    return parse_rules(text, path, modified_at)


class RuleFile:
    """The current rules of one file. No file at all, from the start, means no rules."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._book = RuleBook()
        self._seen: tuple[int, int, int] | None = None
        self._was_there = False
        self._problem: str | None = None
        self._lock = threading.Lock()

    @property
    def problem(self) -> str | None:
        """Why the file as it stands is not in force; None while it is."""
        return self._problem

    def current(self) -> RuleBook:
        """The rules in force: the file's, or the last good ones while the file is broken."""
        with self._lock:
            return self._refreshed()

    def _refreshed(self) -> RuleBook:
        identity = self._identity()
        if identity == self._seen and (identity is not None or not self._was_there):
            return self._book
        try:
            self._book = load_rules(self.path)
            self._was_there = True
            problem = None
        except RuleFileError as error:
            problem = str(error)
        self._seen = identity
        if problem != self._problem:
            self._problem = problem
            if problem is None:
                _log.info("alert rules of %s are in force", self.path)
            else:
                _log.error(
                    "alert rules not in force, keeping the last good ones (%d rules): %s",
                    len(self._book.rules),
                    problem,
                )
        return self._book

    def _identity(self) -> tuple[int, int, int] | None:
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError:
            return (0, 0, 0)
        return stat.st_mtime_ns, stat.st_size, stat.st_ino
