"""Named queries: the only SQL that services run.

To add a question:

1. Write `queries/<name>.sql`: one SELECT with server-side parameters `{project:String}` (always),
   `{since_ns:Int64}`, … and no other way to fill in values. Read tables that rows replace with
   `FINAL`. Lists never read `prompt`, `completion` or `context`.
   What another question has word for word goes into `queries/fragments/`: `-- include NAME`.
2. Write a typed function in `queries/<subject>.py` that calls `run(store, "<name>", Row, …)` with a
   frozen dataclass whose fields are the query's columns, or `store.rows("<name>", {…})` where dicts
   serve better. The query's name goes along as `log_comment`.

Tests walk every file: it must take `project`, hold no format placeholder, and pass the embedded
engine's guard as a reader.
"""

from typing import Any, TypeVar

from tachograph_store.client import Store
from tachograph_store.named import query_text

Row = TypeVar("Row")


def run(store: Store, name: str, row_type: type[Row], **parameters: Any) -> list[Row]:
    """The rows of the named query as frozen dataclasses.

    Raises:
        KeyError: there is no such query.
        StoreUnavailable, QueryRefused, QueryTooLarge: see `tachograph_store.errors`.
    """
    return store.query_rows(query_text(name), parameters, row_type, name=name)
