"""Checks of the home directory: owner-only, and whether a stack runs in it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from tachograph_cli.checks.finding import Finding, failed, ok, warning
from tachograph_cli.home import Home, Run, is_locked


def check_directory(home: Home) -> Iterator[Finding]:
    """Permissions of what holds prompts and secrets."""
    if not home.path.is_dir():
        yield failed("home", f"{home.path} does not exist", "tachograph up makes it")
        return
    if not os.access(home.path, os.R_OK | os.W_OK | os.X_OK):
        yield failed(
            "home",
            f"{home.path} cannot be read and written by this user",
            f"sudo chown -R $(id -un) {home.path}, or give another --home",
        )
        return
    yield _owner_only("home", home.path, 0o700)
    secrets = [home.admin_key_file, *sorted((home.store_directory / "credentials").glob("*"))]
    for path in secrets:
        if path.exists():
            yield _owner_only(str(path.relative_to(home.path)), path, 0o600)


def check_run(home: Home) -> tuple[Finding, Run | None]:
    """Whether a supervisor runs here; the Run only if it does."""
    run = Run.read(home.run_file)
    locked = is_locked(home.lock_file)
    if locked and run is not None:
        age_s = time.time() - run.started_at
        return ok("stack", f"runs, supervisor pid {run.supervisor_pid}, for {age_s:.0f} s"), run
    if locked:
        detail = "a supervisor is starting or stopping"
        return failed("stack", detail, "wait some seconds and ask again"), None
    if run is not None:
        detail = f"run.json is stale: its supervisor (pid {run.supervisor_pid}) was killed"
        return failed("stack", detail, "tachograph up starts it again"), None
    if home.run_file.exists():
        detail = f"{home.run_file} cannot be read"
        return failed("stack", detail, f"remove it, then tachograph up --home {home.path}"), None
    return failed("stack", "no stack runs here", f"tachograph up --home {home.path}"), None


def _owner_only(name: str, path: Path, mode: int) -> Finding:
    found = path.stat().st_mode & 0o777
    if found & 0o077:
        return warning(
            name,
            f"mode {found:04o}: other users of this machine can get at it",
            f"chmod {mode:o} {path}",
        )
    return ok(name, f"owner only ({found:04o})")
