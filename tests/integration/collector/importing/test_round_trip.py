"""What is exported and imported elsewhere is the same rows."""

import hashlib
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.store_process import running_store
from tests.integration.collector.importing.conftest import (
    DAY_NS,
    Tachograph,
    run_tachograph,
    span,
    stored,
    write_everything,
)

from tachograph_store.client import Store, connect
from tachograph_store.queries.ledger import ledger_balance
from tachograph_store.rows import RetentionRow
from tachograph_store.settings import StoreSettings
from tachograph_store.writer import Writer

TABLES = ("spans", "scores", "gpu_readings", "engine_readings", "rollups")


@pytest.fixture(scope="module")
def fresh_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Store]]:
    """Another stack's home."""
    home = tmp_path_factory.mktemp("fresh")
    with running_store(home), connect(StoreSettings(), "writer") as store:
        yield home, store


@pytest.mark.lesson(3)
@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_a_fresh_home_gets_the_same_rows(
    tachograph: Tachograph,
    writer_store: Store,
    fresh_home: tuple[Path, Store],
    tmp_path: Path,
    project: str,
    kind: str,
) -> None:
    home, elsewhere = fresh_home
    here = writer_store.settings.directory.parent
    write_everything(writer_store, project)
    first, second = tmp_path / "first", tmp_path / "second"
    done = run_tachograph(
        "export", "--project", project, "--format", kind, "--out", first, home=here
    )
    assert done.returncode == 0, done.stderr
    done = run_tachograph("import", first, "--project", project, home=home)
    assert done.returncode == 0, done.stderr
    for table in TABLES:
        rows = stored(writer_store, project, table)
        assert rows, table
        assert stored(elsewhere, project, table) == rows, table
    run_tachograph("export", "--project", project, "--format", kind, "--out", second, home=home)
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in second.iterdir())
    for name in names:
        if name.endswith(".jsonl"):
            assert (first / name).read_bytes() == (second / name).read_bytes()

    again = run_tachograph("import", first, "--project", project, home=home)
    assert again.returncode == 0, again.stderr
    for told in ("41 spans duplicate", "5 logs duplicate", "4 metrics duplicate"):
        assert told in again.stdout, again.stdout
    assert "stored" not in again.stdout.replace("rollups stored", "")
    assert elsewhere.query(
        "SELECT count() AS rows FROM spans WHERE project = {project:String}", {"project": project}
    ) == [{"rows": 41}]
    lines = ledger_balance(elsewhere, project)
    for signal, count in (("spans", 41), ("logs", 5), ("metrics", 4)):
        of_signal = [line for line in lines if line.signal == signal]
        assert sum(line.stored for line in of_signal) == count, signal
        assert sum(line.duplicate for line in of_signal) == count, signal
        assert sum(line.accepted for line in of_signal) == 2 * count, signal
    assert {line.source for line in lines} >= {"shop-0", "shop-1"}
    assert all(line.is_balanced for line in lines)


def test_the_manifest_says_what_the_files_hold(
    tachograph: Tachograph, writer_store: Store, tmp_path: Path, project: str
) -> None:
    write_everything(writer_store, project)
    out = tmp_path / "out"
    assert tachograph("export", "--project", project, "--out", out).returncode == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["project"] == project and manifest["content"] is True
    assert manifest["schema_version"] >= 15
    assert {table: entry["rows"] for table, entry in manifest["tables"].items()} == {
        "spans": 41,
        "scores": 5,
        "gpu_readings": 3,
        "engine_readings": 1,
        "rollups": 2,
    }
    for entry in manifest["tables"].values():
        for file in entry["files"]:
            content = (out / file["name"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
            assert len(content) == file["bytes"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}


def test_only_what_was_asked_for_of_one_project_and_time(
    tachograph: Tachograph, writer_store: Store, tmp_path: Path, project: str
) -> None:
    writer = Writer(writer_store)
    now = span(project, 1).start_time
    writer.write_spans([span(project, 1), span(project, 2, start_time=now - 5 * DAY_NS)])
    writer.write_spans([span(f"{project}-other", 3)])
    out = tmp_path / "out"
    arguments = ["--since", "2d", "--what", "spans", "--format", "jsonl", "--out", out]
    assert tachograph("export", "--project", project, *arguments).returncode == 0
    assert sorted(path.name for path in out.iterdir()) == ["manifest.json", "spans-000001.jsonl"]
    (line,) = (out / "spans-000001.jsonl").read_text().splitlines()
    assert json.loads(line)["user"] == "user-1"


def test_without_content_no_words_leave(
    tachograph: Tachograph, writer_store: Store, tmp_path: Path, project: str
) -> None:
    secret = "heliotrope-4417"
    row = span(
        project,
        1,
        prompt=secret,
        completion=secret,
        context=secret,
        status_message=secret,
        attributes={"gen_ai.system_instructions": secret},
        event_attributes=[{"body": secret}, {}],
    )
    Writer(writer_store).write_spans([row])
    for kind in ("jsonl", "parquet"):
        out = tmp_path / kind
        arguments = ["--no-content", "--format", kind, "--out", out]
        assert tachograph("export", "--project", project, *arguments).returncode == 0
        done = tachograph("import", out, "--project", f"{project}-{kind}")
        assert done.returncode == 0, done.stderr
        (found,) = stored(writer_store, f"{project}-{kind}", "spans")
        assert secret not in str(found)
        assert found["prompt"] is None and found["input_tokens"] == 10**15
    assert secret not in (tmp_path / "jsonl" / "spans-000001.jsonl").read_text()


def test_rows_older_than_the_retention_are_refused_and_counted(
    tachograph: Tachograph, writer_store: Store, tmp_path: Path, project: str
) -> None:
    writer = Writer(writer_store)
    now = span(project, 1).start_time
    writer.write_spans([span(project, 1), span(project, 2, start_time=now - 20 * DAY_NS)])
    out = tmp_path / "out"
    tachograph("export", "--project", project, "--out", out, "--what", "spans")
    target = f"{project}-target"
    writer.write("retention", [RetentionRow(project=target, spans_days=10)])
    done = tachograph("import", out, "--project", target)
    assert done.returncode == 1
    assert "1 spans refused: too_old" in done.stderr
    assert [row["user"] for row in stored(writer_store, target, "spans")] == ["user-1"]
    lines = [line for line in ledger_balance(writer_store, target) if line.signal == "spans"]
    assert sum(line.rejected for line in lines) == 1
    assert all(line.is_balanced for line in lines)


def test_a_changed_file_is_not_imported(
    tachograph: Tachograph, writer_store: Store, tmp_path: Path, project: str
) -> None:
    Writer(writer_store).write_spans([span(project, 1)])
    out = tmp_path / "out"
    tachograph("export", "--project", project, "--out", out, "--format", "jsonl")
    file = out / "spans-000001.jsonl"
    file.write_text(file.read_text().replace("user-1", "user-2"))
    done = tachograph("import", out, "--project", f"{project}-target")
    assert done.returncode == 1
    assert "spans-000001.jsonl was changed" in done.stderr
    assert stored(writer_store, f"{project}-target", "spans") == []


def test_nothing_is_written_over(tachograph: Tachograph, tmp_path: Path, project: str) -> None:
    (tmp_path / "mine").write_text("precious")
    done = tachograph("export", "--project", project, "--out", tmp_path)
    assert done.returncode == 1
    assert "is not empty" in done.stderr
