"""The text of named queries: one `.sql` file per question, shipped beside `queries/`.

What several questions have in common word for word lies in `queries/fragments/` and stands in each as a
line `-- include NAME`; a fragment may include another.
"""

import re
from functools import cache
from importlib import resources
from typing import Final

_INCLUDE: Final = re.compile(r"^ *-- include ([a-z_]+)\n", re.MULTILINE)


@cache
def query_text(name: str) -> str:
    """The SQL of `queries/<name>.sql`, with its fragments.

    Raises:
        KeyError: there is no such query.
    """
    if not name.isidentifier():
        raise KeyError(f"{name!r} is no query's name")
    text = _text(name)
    if text is None:
        raise KeyError(f"there is no query {name!r}")
    return _INCLUDE.sub(lambda line: fragment_text(line[1]), text)


def fragment_text(name: str) -> str:
    """The SQL of `queries/fragments/<name>.sql`, with its own fragments.

    Raises:
        KeyError: there is no such fragment.
    """
    text = _text("fragments", name)
    if text is None:
        raise KeyError(f"there is no fragment {name!r}")
    return _INCLUDE.sub(lambda line: fragment_text(line[1]), text)


def _text(*place: str) -> str | None:
    file = resources.files("tachograph_store").joinpath("queries", *place[:-1], f"{place[-1]}.sql")
    return file.read_text(encoding="utf-8") if file.is_file() else None


def query_names() -> list[str]:
    """The names of all queries."""
    folder = resources.files("tachograph_store") / "queries"
    return sorted(f.name.removesuffix(".sql") for f in folder.iterdir() if f.name.endswith(".sql"))
