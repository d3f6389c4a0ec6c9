"""The first version of a corrected span is only masked until its part is merged."""

import os
import secrets
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.fixtures.disk_search import files_with
from tests.fixtures.store_process import running_store

from tachograph_store.client import connect
from tachograph_store.rows import SpanRow
from tachograph_store.writer import Writer

# One start for all: what begins in another minute is another row.
MIDNIGHT_NS = time.time_ns() // 86_400_000_000_000 * 86_400_000_000_000


def span(number: int, user: str, prompt: str, content_hash: int) -> SpanRow:
    later = datetime.now(UTC).date() + timedelta(days=30)
    return SpanRow(
        project="default",
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        start_time=MIDNIGHT_NS,
        duration_ns=1,
        name="chat",
        user=user,
        prompt=prompt,
        content_hash=content_hash,
        expires_on=later,
        content_expires_on=later,
    )


@pytest.mark.timeout(900)
@pytest.mark.parametrize("is_still_named", [True, False])
def test_masked_versions_leave_the_disk_too(tmp_path: Path, is_still_named: bool) -> None:
    user, secret = f"u{secrets.token_hex(12)}", f"s{secrets.token_hex(12)}"
    with running_store(tmp_path) as settings, connect(settings, "writer") as store:
        writer = Writer(store)
        others = [span(number, "another", "words", number) for number in range(2, 2000)]
        writer.write_spans([span(1, user, secret, 1), *others])
        # Nobody sees the user any more where the correction names another.
        writer.write_spans([span(1, user if is_still_named else "another", "mended", 2)])
        assert files_with(tmp_path / "store", secret)[secret]
        done = subprocess.run(
            [sys.executable, "-m", "tachograph_cli", "forget", "--user", user, "--yes"],
            capture_output=True,
            text=True,
            env={**os.environ, "TACHOGRAPH_HOME": str(tmp_path)},
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert files_with(tmp_path, secret, user) == {secret: set(), user: set()}
        rows = store.query("SELECT count() AS rows FROM spans WHERE project = 'default'")
        assert rows == [{"rows": 1998 if is_still_named else 1999}]
