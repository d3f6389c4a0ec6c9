"""Errors that the SDK raises. There is one: everything else is handled and counted inside.

TachographError
└── ConfigurationError   an argument of `init` that cannot be used
"""


class TachographError(Exception):
    """Base of all errors of this package."""


class ConfigurationError(TachographError):
    """A setting cannot be used. The message names it, what it got, and what it takes."""

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"{setting}: {message}")
        self.setting = setting
        """Name of the argument or environment variable."""
