"""`--home`, for commands that work on a stack's files or its embedded store."""

import argparse
import os
from pathlib import Path


def add_home_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--home`."""
    parser.add_argument("--home", help="the stack's directory (TACHOGRAPH_HOME, ~/.tachograph)")


def use_home(args: argparse.Namespace) -> None:
    """Let the settings of this process find that directory. Raises `ValueError` when it is none."""
    if args.home is None:
        return
    home = Path(args.home).expanduser()
    if not home.is_dir():
        raise ValueError(f"--home {args.home}: there is no such directory")
    os.environ["TACHOGRAPH_HOME"] = str(home.resolve())
