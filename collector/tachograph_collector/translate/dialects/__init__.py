"""The dialects that are understood, one file each; of two that fill a column the first wins."""

from typing import Final

from tachograph_collector.translate.dialects import (
    genai,
    genai_before_1_37,
    langfuse,
    openinference,
    openlit,
    openllmetry,
    sglang,
    vllm,
)
from tachograph_collector.translate.dialects.table import Dialect

DIALECTS: Final[tuple[Dialect, ...]] = (
    genai.DIALECT,
    genai_before_1_37.DIALECT,
    openinference.DIALECT,
    openllmetry.DIALECT,
    openlit.DIALECT,
    langfuse.DIALECT,
    vllm.DIALECT,
    sglang.DIALECT,
)
