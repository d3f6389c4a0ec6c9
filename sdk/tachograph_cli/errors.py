"""The error that a command raises when the user can do something about it."""

from typing import Final

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130


class CommandError(Exception):
    """A failure that ends the command with a message and the next step, without a traceback."""

    def __init__(self, message: str, *, remedy: str, exit_code: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.exit_code = exit_code
