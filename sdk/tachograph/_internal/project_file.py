"""Settings of a project: the table `[tool.tachograph]` of its pyproject.toml."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_log = logging.getLogger("tachograph")

_MAX_BYTES: Final = 1024 * 1024
_MAX_PARENTS: Final = 32


def project_settings(start: Path | None = None) -> Mapping[str, Any]:
    """The table of the nearest pyproject.toml at or above `start` (default: the working directory);
    empty where there is none. A file that cannot be read is logged and passed over."""
    import tomllib  # here, because only `init` needs it

    try:
        folder = (start or Path.cwd()).resolve()
        for candidate in (folder, *folder.parents)[:_MAX_PARENTS]:
            file = candidate / "pyproject.toml"
            if not file.is_file():
                continue
            with file.open("rb") as opened:
                text = opened.read(_MAX_BYTES + 1)
            if len(text) > _MAX_BYTES:
                raise ValueError(f"larger than {_MAX_BYTES} bytes")
            table = tomllib.loads(text.decode()).get("tool", {}).get("tachograph", {})
            if not isinstance(table, dict):
                raise TypeError("tool.tachograph is no table")
            return table
    except (OSError, TypeError, ValueError) as error:
        _log.error("tachograph: pyproject.toml is passed over: %s", error)
    return {}
