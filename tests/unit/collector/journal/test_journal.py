"""Room, ownership, what an earlier process left, and a disk that fails."""

import resource
import stat
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tachograph_collector.books import Account
from tachograph_collector.errors import ApiError
from tachograph_collector.journal.block import read_block
from tachograph_collector.journal.codec import Draft, Packed, pack
from tachograph_collector.journal.folder import JournalFolder, claim_left, make_folder
from tachograph_collector.journal.journal import Journal
from tachograph_collector.journal.state import Intent, Line, Position, State, keep_reserve

MIB = 2**20


def _packed(records: int = 1, size: int = 0) -> Packed:
    packed = pack(Draft("p", "spans", Counter(shop=records)))
    return Packed(records, packed.meta, b"x" * size, packed.accepted)


def _journal(folder: JournalFolder, max_bytes: int = 4 * MIB) -> Journal:
    return Journal(
        folder,
        Position(0, 0),
        1,
        max_bytes=max_bytes,
        segment_bytes=MIB,
        retry_after_s=7,
        slack_rows=10_000,
    )


@pytest.fixture
def folder(tmp_path: Path) -> JournalFolder:
    return make_folder(tmp_path / "journal")


def _numbers(folder: JournalFolder, journal: Journal) -> list[int]:
    block = read_block(folder, Position(0, 0), journal.end, max_rows=10**9, max_bytes=10**9)
    assert not block.damages
    return [record.number for record in block.records]


def test_records_are_numbered_over_segments_and_deleted_behind_the_drain(
    folder: JournalFolder,
) -> None:
    journal = _journal(folder)
    for _ in range(3):
        packed = _packed(size=MIB)
        journal.admit(packed)
        journal.append([packed])
    assert folder.segments() == [1, 2, 3]
    assert _numbers(folder, journal) == [1, 2, 3]
    journal.drained(Position(3, 0), Counter({("p", "shop", "spans"): 2}))
    assert folder.segments() == [3]
    assert MIB < journal.used_bytes < MIB + 1000
    assert journal.waiting == Counter({("p", "shop", "spans"): 1})


def test_what_an_earlier_process_left_is_counted_and_not_written_behind(
    folder: JournalFolder,
) -> None:
    first = _journal(folder)
    first.append([_packed(2), _packed(3)])
    with folder.segment(1).open("ab") as torn:
        torn.write(folder.segment(1).read_bytes()[:50])
    second = _journal(folder)
    assert second.waiting.total() == 5
    second.append([_packed()])
    assert folder.segments() == [1, 2]
    block = read_block(folder, Position(0, 0), second.end, max_rows=100, max_bytes=MIB)
    assert [record.number for record in block.records] == [1, 2, 3]
    assert [(number, damage.is_torn) for number, damage in block.damages] == [(1, True)]


def test_a_full_journal_refuses_and_takes_again(folder: JournalFolder) -> None:
    journal = _journal(folder)
    for _ in range(3):
        packed = _packed(size=MIB)
        journal.admit(packed)
        journal.append([packed])
    admitted = _packed(size=MIB // 2)
    journal.admit(admitted)  # promised room counts too
    with pytest.raises(ApiError) as refused:
        journal.admit(_packed(size=MIB // 2 + 1000))
    assert (refused.value.status, refused.value.code) == (503, "journal_full")
    assert refused.value.headers() == {"retry-after": "7"}
    with pytest.raises(ApiError) as never:
        journal.admit(_packed(size=4 * MIB))
    assert never.value.status == 413
    journal.drained(Position(2, 0), Counter())
    journal.admit(_packed(size=MIB // 2 + 1000))


def test_a_write_that_fails_keeps_nothing_and_the_next_is_whole(folder: JournalFolder) -> None:
    journal = _journal(folder)
    journal.append([_packed()])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = folder.segment(1).stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, before[1]))  # half of it is written
    try:
        with pytest.raises(ApiError) as refused:
            journal.append([_packed(), _packed(size=1000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (refused.value.status, refused.value.code) == (503, "journal_not_writable")
    assert journal.room_problem() is not None
    assert folder.segment(1).stat().st_size == size
    journal.append([_packed()])
    assert _numbers(folder, journal) == [1, 2]
    assert journal.waiting.total() == 2


def test_blocks_end_at_whole_records_and_a_stop_is_a_stop(folder: JournalFolder) -> None:
    journal = _journal(folder)
    journal.append([_packed(4), _packed(4), _packed(40), _packed(1)])
    start = Position(0, 0)
    sizes = []
    while start < journal.end:
        block = read_block(folder, start, journal.end, max_rows=10, max_bytes=MIB)
        again = read_block(
            folder, start, journal.end, max_rows=1, max_bytes=1, stop=block.end
        )  # fmt: skip
        assert again == block
        sizes.append(block.rows)
        start = block.end
    assert sizes == [8, 40, 1]


def test_drained_prompts_do_not_stay(folder: JournalFolder) -> None:
    journal = _journal(folder)
    journal.append([_packed()])
    journal.leave_if_drained(Position(0, 0))
    assert folder.segments() == [1]
    journal.leave_if_drained(journal.end)
    block = read_block(folder, Position(0, 0), journal.end, max_rows=1, max_bytes=MIB)
    block = read_block(folder, block.end, journal.end, max_rows=1, max_bytes=MIB)
    journal.drained(block.end, Counter())
    assert folder.segments() == []
    assert journal.used_bytes == 0


def test_files_are_the_owners_only(folder: JournalFolder) -> None:
    journal = _journal(folder)
    journal.append([_packed()])
    State().save(folder.path)
    keep_reserve(folder.path)
    for path in [folder.path, folder.path.parent, *folder.path.iterdir()]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_living_owner_keeps_its_folder_and_a_dead_ones_is_claimed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from tachograph_collector.journal.folder import make_folder;"
        "folder = make_folder(Path(sys.argv[1])); print(folder.path, flush=True);"
        "sys.stdin.read()"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None and owner.stdin is not None
    with owner.stdout, owner.stdin:
        owned = Path(owner.stdout.readline().strip())
        assert claim_left(tmp_path) == []
        owner.kill()
        owner.wait()
    (mine,) = claim_left(tmp_path)
    assert mine.path == owned
    mine.remove()
    assert not mine.path.exists()


def test_state_and_intent_come_back_and_strangers_do_not(tmp_path: Path) -> None:
    account = Account("p", "shop", "spans", "duplicate", "correction")
    state = State(
        position=Position(3, 7), block=4, record=9, version=5, sequence=2,
        unwritten=Counter({account: 1}), lines=[Line(account, 2, 8, 3)],
    )  # fmt: skip
    state.save(tmp_path)
    assert State.load(tmp_path) == state
    intent = Intent(4, Position(3, 9), 6, "sdcx")
    intent.save(tmp_path)
    assert Intent.load(tmp_path, 4) == intent
    assert Intent.load(tmp_path, 5) is None
    (tmp_path / "intent.json").write_text('{"block": 4')
    assert Intent.load(tmp_path, 4) is None
    (tmp_path / "state.json").write_text("{")
    fresh = State.load(tmp_path)
    assert fresh.position == Position(0, 0)
    assert fresh.books != state.books  # other lines must not replace those already written


def test_rows_gather_until_there_are_enough_or_none_comes_any_more(folder: JournalFolder) -> None:
    journal = _journal(folder)
    seen: list[int] = []

    def gather() -> None:
        journal.gather(5, timeout_s=100)
        seen.append(journal.waiting.total())

    gathering = threading.Thread(target=gather)
    gathering.start()
    for _ in range(2):
        packed = _packed(records=3)
        journal.admit(packed)
        journal.append([packed])
    gathering.join(50)
    assert seen == [6]
    journal.gather(7, timeout_s=0.01)  # the timeout ends it
    journal.gather(7, timeout_s=-1.0)
    journal.gather(7, timeout_s=10**6, lull_s=0.01)  # and so does a lull


def test_nobody_waits_for_records_of_a_closed_journal(folder: JournalFolder) -> None:
    journal = _journal(folder)
    waits: tuple[Callable[[], None], ...] = (
        lambda: journal.wait(Position(10**9, 0), timeout_s=10**6),
        lambda: journal.gather(1, timeout_s=10**6, lull_s=10**6),
    )
    threads = [threading.Thread(target=wait, daemon=True) for wait in waits]
    for thread in threads:
        thread.start()
    threads[0].join(0.2)  # both wait by then; one that does not yet finds it closed
    journal.close()
    for thread in threads:
        thread.join(50)
        assert not thread.is_alive()
    for wait in waits:
        wait()
