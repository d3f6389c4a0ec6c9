"""Trained weights of Tachograph's evaluators: files of numbers, each checked before it is used.

`read` is the only way in: it compares a file's SHA-256 with the manifest, so a damaged file is
never half believed. Files are safetensors (or JSON): nothing here is executed.
"""

import hashlib
import json
from importlib.resources import files
from typing import Any, Final

MANIFEST: Final = "manifest.json"
"""Version, and for each file its SHA-256 and size in bytes."""


class WeightsError(RuntimeError):
    """A file is absent or damaged; the message names it and the remedy."""


def manifest() -> dict[str, Any]:
    """The manifest. `WeightsError` when it cannot be read."""
    try:
        document = json.loads(files(__name__).joinpath(MANIFEST).read_text(encoding="utf-8"))
        return {"version": str(document["version"]), "files": dict(document["files"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{MANIFEST} cannot be read; {_REMEDY}") from error


def version() -> str:
    """Changes whenever any file does."""
    return str(manifest()["version"])


def read(name: str) -> bytes:
    """One file's bytes, after its SHA-256 was compared. `WeightsError` when it does not match."""
    known: dict[str, Any] = manifest()["files"]
    if name not in known:
        raise WeightsError(f"no weights named {name!r}; there are {', '.join(sorted(known))}")
    try:
        content = files(__name__).joinpath(name).read_bytes()
    except OSError as error:
        raise WeightsError(f"weights {name!r} cannot be read; {_REMEDY}") from error
    if hashlib.sha256(content).hexdigest() != known[name]["sha256"]:
        raise WeightsError(f"weights {name!r} are damaged (SHA-256 differs); {_REMEDY}")
    return content


_REMEDY: Final = "install it again: pip install --force-reinstall tachograph-weights"
