"""`python -m tachograph_cli`, which is how `tachograph up` starts every service."""

import sys

from tachograph_cli.main import main

if __name__ == "__main__":
    sys.exit(main())
