"""A peer's environment, made from its lock file and kept until that changes."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

_STAMP = "installed-from"


def environment_of(lock: Path, cache: Path) -> Path:
    """The `bin` folder of the environment that `lock` (a requirements file) describes, made in
    `cache` where it is missing."""
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    folder = cache / lock.stem
    stamp = folder / _STAMP
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(lock)], check=True)
        stamp.write_text(wanted)
    return folder / "bin"
