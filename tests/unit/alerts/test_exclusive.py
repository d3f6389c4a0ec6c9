"""One holder at a time, across processes and threads; a dead one holds nothing."""

import subprocess
import sys
from pathlib import Path

from tachograph_evaluators.alerts.exclusive import exclusive

HOLDER = """
import sys
from pathlib import Path
from tachograph_evaluators.alerts.exclusive import exclusive
with exclusive(Path(sys.argv[1])) as is_ours:
    print(is_ours, flush=True)
    sys.stdin.readline()
"""


def test_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "new-folder" / "x.lock"
    with exclusive(path) as first:
        assert first
        with exclusive(path) as second:
            assert not second
    with exclusive(path) as third:
        assert third


def test_a_killed_holder_blocks_nobody(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with exclusive(path) as is_ours:
            assert not is_ours
        holder.kill()
        holder.wait()
    with exclusive(path) as is_ours:
        assert is_ours
