"""A small language model on this machine: likelihoods of texts, and trained heads.

`shared()` gives the process's one model. Importing this package loads neither torch nor weights.
"""

from tachograph_evaluators.small_model.model import (
    MAX_CONTEXT_TOKENS,
    MAX_TEXT_TOKENS,
    SmallModel,
    Surprise,
    release,
    shared,
)
from tachograph_evaluators.small_model.weights import HEADS, HeadError, HeadName

__all__ = [
    "HEADS",
    "MAX_CONTEXT_TOKENS",
    "MAX_TEXT_TOKENS",
    "HeadError",
    "HeadName",
    "SmallModel",
    "Surprise",
    "release",
    "shared",
]
