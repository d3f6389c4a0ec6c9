"""The small language model's trained heads, where they are installed and wanted."""

import logging
from collections.abc import Sequence
from typing import Literal

from tachograph_evaluators.judges.settings import JudgeSettings
from tachograph_evaluators.small_model import HeadError, HeadName, shared
from tachograph_evaluators.small_model.weights import file_name

_log = logging.getLogger(__name__)


class Witness:
    """One head; asked many texts at once."""

    def __init__(self, head: Literal["toxicity", "injection", "planted"]) -> None:
        self._head: Literal["toxicity", "injection", "planted"] = head
        self._is_wanted = JudgeSettings().small_model
        self._is_there: bool | None = None  # not tried yet

    def warm_up(self) -> None:
        """Load the model and the head; without them the judge goes on alone."""
        self.logits(["ready"])

    def logits(self, texts: Sequence[str]) -> list[float] | None:
        """One log-odds a text, None where the head is not to be had."""
        if self._is_there is None and not _is_installed(self._head):
            self._is_there = False
        if not self._is_wanted or self._is_there is False:
            return None
        if not texts and self._is_there:
            return []
        try:
            found = shared().head(self._head, texts or ["ready"])
        except HeadError as error:
            _log.info("%s goes without its trained head: %s", self._head, error)
            self._is_there = False
            return None
        self._is_there = True
        return found if texts else []


def _is_installed(head: HeadName) -> bool:
    """Whether the weights are there at all: else the model would be loaded in vain."""
    try:
        import tachograph_weights
    except ImportError:
        return False
    try:
        return file_name(head) in tachograph_weights.manifest()["files"]
    except tachograph_weights.WeightsError:
        return False
