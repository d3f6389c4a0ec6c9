"""The text of named queries: one `.sql` file per question, shipped beside `queries/`."""

from functools import cache
from importlib import resources


@cache
def query_text(name: str) -> str:
    """The SQL of `queries/<name>.sql`.

    Raises:
        KeyError: there is no such query.
    """
    if not name.isidentifier():
        raise KeyError(f"{name!r} is no query's name")
    file = resources.files("tachograph_store") / "queries" / f"{name}.sql"
    if not file.is_file():
        raise KeyError(f"there is no query {name!r}")
    return file.read_text(encoding="utf-8")


def query_names() -> list[str]:
    """The names of all queries."""
    folder = resources.files("tachograph_store") / "queries"
    return sorted(f.name.removesuffix(".sql") for f in folder.iterdir() if f.name.endswith(".sql"))
