"""The Celery tasks, in a process of their own as a worker would have them."""

import json
import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tachograph_store.client import Store
from tachograph_store.queries.selection import nanoseconds
from tachograph_store.rows import ScoreRow
from tachograph_store.writer import Writer

if TYPE_CHECKING:
    from tests.integration.alerts.conftest import Receiver

WORKER = """
from tachograph_evaluators.alerts.tasks import deliver, evaluate
from tachograph_evaluators.app import app
scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
assert {"tachograph.alerts.evaluate", "tachograph.alerts.deliver"} <= scheduled & set(app.tasks)
evaluate()
deliver()
"""


def run_tasks(**environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", WORKER],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_the_tasks_evaluate_and_deliver(
    writer_store: Store, project: str, receiver: "Receiver", secret_file: Path
) -> None:
    rules = secret_file.parent / "alerts.toml"
    rules.write_text(
        f'[[webhook]]\nname = "hook"\nurl = "{receiver.url}"\nsecret_file = "hook.secret"\n'
        f'allow_private = true\n[[rule]]\nname = "Too little"\nproject = "{project}"\n'
        'metric = "score:grounding"\ncomparison = "below"\nthreshold = 0.7\nwindow_s = 3600\n'
        'notify = ["hook"]\n'
    )
    given_at = datetime.now(UTC) - timedelta(seconds=1)
    row = ScoreRow(
        project=project,
        trace_id=uuid.uuid4().hex,
        span_id=uuid.uuid4().hex[:16],
        span_time=nanoseconds(given_at),
        evaluator="grounding",
        name="grounding",
        source="evaluator",
        value=0.2,
        created_at=given_at,
        expires_on=(given_at + timedelta(days=30)).date(),
    )
    Writer(writer_store).write("scores", [row])
    result = run_tasks(TACHOGRAPH_EVALUATORS_ALERT_RULES=str(rules))
    assert result.returncode == 0, result.stderr
    received = receiver.next()
    assert received.is_genuine
    assert json.loads(received.body)["data"]["project"] == project


def test_without_a_store_the_tasks_end_quietly(tmp_path: Path) -> None:
    rules = tmp_path / "alerts.toml"
    rules.write_text(
        '[[rule]]\nname = "x"\nproject = "x"\nmetric = "requests"\ncomparison = "above"\n'
        "threshold = 1\nwindow_s = 60\n"
    )
    result = run_tasks(TACHOGRAPH_HOME=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "alert rules were not evaluated" in result.stderr
    assert "alert messages were not sent" in result.stderr
