"""Migration files: numbered without gaps, told apart by checksum."""

import pytest

from tachograph_store.errors import MigrationError
from tachograph_store.migrate import migrations_of, shipped_migrations, template_variables
from tachograph_store.settings import StoreSettings


def test_shipped_migrations_are_in_order() -> None:
    shipped = shipped_migrations()
    assert [migration.number for migration in shipped] == list(range(1, len(shipped) + 1))
    assert shipped[0].name == "0001_spans.sql"


def test_the_checksum_is_of_the_text() -> None:
    one, other = (migrations_of([("0001_a.sql", text)])[0] for text in ("a", "b"))
    assert one.checksum != other.checksum
    assert len(one.checksum) == 64


@pytest.mark.parametrize(
    "names",
    [
        ["0001_a.sql", "0003_c.sql"],
        ["0002_a.sql"],
        ["0001_a.sql", "0001_b.sql"],
        ["1_a.sql"],
        ["0001_a.txt"],
        ["0001-a.sql"],
    ],
)
def test_gaps_duplicates_and_other_names_are_refused(names: list[str]) -> None:
    with pytest.raises(MigrationError):
        migrations_of([(name, "SELECT 1") for name in names])


@pytest.mark.lesson(22)
def test_a_cluster_changes_engine_and_clause() -> None:
    url = "http://localhost:8123"
    single = template_variables(StoreSettings(url=url))
    assert (single["replacing"], single["on_cluster"]) == ("ReplacingMergeTree", "")
    cluster = template_variables(StoreSettings(url=url, cluster="main"))
    assert cluster["replacing"] == "ReplicatedReplacingMergeTree"
    assert cluster["on_cluster"] == "ON CLUSTER `main`"
    with pytest.raises(MigrationError, match="CLUSTER"):
        template_variables(StoreSettings(url=url, cluster="a` b"))
