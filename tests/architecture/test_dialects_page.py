"""docs/dialects.md is what the dialect tables say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_dialects_page_is_what_the_tables_say() -> None:
    written = subprocess.run(
        [sys.executable, "-c", "import generate_dialects as g; print(g.render(), end='')"],
        cwd=ROOT / "docs", capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    page = (ROOT / "docs/dialects.md").read_text()
    assert page == written, "run: python docs/generate_dialects.py"
