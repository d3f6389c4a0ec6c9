"""Texts written one by one for the trained heads: folder `written`, whose README tells of them."""

import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from tachograph_evaluators.small_model.weights import HeadName

FOLDER: Final = Path(__file__).parent / "written"
LEARNED: Final = (FOLDER, FOLDER / "later", FOLDER / "contrast")
"""What the injection heads learn from; the n-grams learn from the first alone."""

HATRED: Final = FOLDER / "hatred"
"""What the toxicity head learns from beside posts and templates."""

UNSEEN: Final = FOLDER / "unseen"
"""Texts of which nothing learns and by which nothing is chosen."""

_KEPT_BACK: Final = 5  # of each so many texts one is kept for calibration
_OF_DOCUMENTS: Final = ("planted", "document")


class Written(NamedTuple):
    """A request, a document with or without an order to the model in it, or, for toxicity, a post."""

    text: str
    label: int
    kind: str

    @property
    def template(self) -> HeadName:
        """The reader of injections that it is for."""
        return "planted" if self.kind.startswith(_OF_DOCUMENTS) else "injection"

    @property
    def is_kept_back(self) -> bool:
        """Whether it is for calibration, not for training."""
        return zlib.crc32(self.text.encode()) % _KEPT_BACK == 0


def written(*folders: Path) -> list[Written]:
    """All of the folders, of the first by default, not of those below, each once, in order."""
    return read(path for folder in folders or (FOLDER,) for path in sorted(folder.glob("*.jsonl")))


def read(files: Iterable[Path]) -> list[Written]:
    """Those of the files, each once."""
    rows = (
        json.loads(line)
        for path in files
        for line in path.read_text(encoding="utf-8").split("\n")
        if line
    )
    found = (Written(row["text"], int(row["label"]), row["kind"]) for row in rows)
    return list({" ".join(one.text.lower().split()): one for one in found}.values())
