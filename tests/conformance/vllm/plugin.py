"""Makes vLLM find the SDK's plugin without installing the SDK beside it."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
GROUP: Final = "vllm.stat_logger_plugins"
VALUE: Final = "tachograph._internal.engines.vllm_steps:StepLogger"


def plugin_path(folder: Path) -> str:
    """A `PYTHONPATH` with the SDK and, in `folder`, the entry point that its installation has."""
    info = folder / "plugin" / "tachograph_plugin-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tachograph-plugin\nVersion: 0\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\ntachograph = {VALUE}\n")
    return f"{info.parent}:{ROOT / 'sdk'}"
