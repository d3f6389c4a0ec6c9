"""The text of a rule file, as far as it is one."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tachograph_evaluators.alerts.rule_parser import RuleFileError

LARGEST_FILE_BYTES: Final = 1 << 20


def read_rule_text(path: Path, setting: str) -> tuple[str, datetime]:
    """What the file says, and when it was changed.

    Raises RuleFileError, and FileNotFoundError: what that means differs.

    Args:
        setting: the environment variable that names another file.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE_BYTES + 1)
            modified_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
        text = raw.decode()
    except FileNotFoundError:
        raise
    except OSError as error:
        remedy = f"make it readable, or name another in {setting}"
        raise RuleFileError(path, [f"cannot be read ({error.strerror}); {remedy}"]) from None
    except UnicodeDecodeError:
        raise RuleFileError(path, ["is not UTF-8; save it as UTF-8"]) from None
    if len(raw) > LARGEST_FILE_BYTES:
        raise RuleFileError(path, [f"is larger than {LARGEST_FILE_BYTES} bytes; write fewer rules"])
    return text, modified_at
