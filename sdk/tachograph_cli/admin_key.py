"""Makes the first admin key of a home, once, by `tachograph keys create` in a process of its own."""

import os
import re
import subprocess
from collections.abc import Mapping
from typing import Final

from tachograph_cli.home import Home, write_private
from tachograph_cli.stack import tachograph

_KEY: Final = re.compile(r"\btg_[A-Za-z0-9_-]{16,}\b")


class AdminKey:
    """Polled by the supervisor's loop from the moment the store is ready."""

    def __init__(self, home: Home, environment: Mapping[str, str]) -> None:
        self._home = home
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[str] | None = None
        self.problem: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether the key file exists or its making has failed (then `problem` says why)."""
        return self.problem is not None or self._home.admin_key_file.exists()

    def step(self) -> None:
        """Starts the command, or looks whether it has ended."""
        if self.is_done:
            return
        if self._process is None:
            self._process = subprocess.Popen(
                tachograph("keys", "create", "--project", "default", "--role", "admin"),
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            return
        if self._process.poll() is None:
            return
        output, errors = self._process.communicate()
        found = _KEY.search(output)
        if self._process.returncode == 0 and found is not None:
            write_private(self._home.admin_key_file, found.group() + "\n")
        else:
            last = errors.strip().splitlines()[-1:] or ["it printed no key"]
            self.problem = f"no admin key was made: {last[0]}"

    def cancel(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
