"""`manifest.json`: what an export holds. It is written last: without it an export is not whole."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from tachograph_store.export_files import ExportedFile, file_digest
from tachograph_store.export_tables import EXPORT_TABLES

MANIFEST: Final = "manifest.json"
FORMAT_VERSION: Final = 1
_MAX_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What stands in an export."""

    tachograph_version: str
    schema_version: int
    """Number of the store's last migration."""
    project: str
    since: datetime
    until: datetime
    created_at: datetime
    format: str
    with_content: bool
    tables: Mapping[str, Sequence[ExportedFile]]

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for files in self.tables.values() for file in files)

    def save(self, directory: Path) -> None:
        """Write the file, whole or not at all. Raises `OSError`."""
        document = {
            "tachograph_export": FORMAT_VERSION,
            "tachograph_version": self.tachograph_version,
            "schema_version": self.schema_version,
            "project": self.project,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "created_at": self.created_at.isoformat(),
            "format": self.format,
            "content": self.with_content,
            "tables": {
                table: {
                    "rows": sum(file.rows for file in files),
                    "files": [asdict(file) for file in files],
                }
                for table, files in self.tables.items()
            },
        }
        fresh = directory / f"{MANIFEST}.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(directory / MANIFEST)

    @classmethod
    def load(cls, directory: Path) -> "Manifest":
        """Read it. Raises `OSError`, or `ValueError` for what this version does not understand."""
        path = directory / MANIFEST
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"{path} is too large for a manifest")
        document = json.loads(path.read_bytes())
        version = document.get("tachograph_export") if isinstance(document, dict) else None
        if version != FORMAT_VERSION:
            raise ValueError(
                f"{path} has the export format {version!r}, this version of tachograph reads "
                f"{FORMAT_VERSION}: import with the version that wrote it"
            )
        try:
            return cls._of(document)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is no manifest of an export: {error!r}") from None

    @classmethod
    def _of(cls, document: Mapping[str, Any]) -> "Manifest":
        tables = {
            table: [ExportedFile(**file) for file in entry["files"]]
            for table, entry in document["tables"].items()
        }
        unknown = sorted(set(tables) - set(EXPORT_TABLES))
        if unknown:
            raise ValueError(f"the manifest names tables that are not imported: {unknown}")
        for files in tables.values():
            for file in files:
                if Path(file.name).name != file.name or file.name in ("", ".", ".."):
                    raise ValueError(f"the manifest names {file.name!r}, which is no plain name")
        return cls(
            tachograph_version=document["tachograph_version"],
            schema_version=document["schema_version"],
            project=document["project"],
            since=datetime.fromisoformat(document["since"]),
            until=datetime.fromisoformat(document["until"]),
            created_at=datetime.fromisoformat(document["created_at"]),
            format=document["format"],
            with_content=document["content"],
            tables=tables,
        )


def check_files(manifest: Manifest, directory: Path) -> list[str]:
    """What is missing or changed, in words; empty when every file is as the manifest says."""
    problems: list[str] = []
    for files in manifest.tables.values():
        for file in files:
            path = directory / file.name
            if not path.is_file():
                problems.append(f"{file.name} is missing")
            elif path.stat().st_size != file.bytes or file_digest(path) != file.sha256:
                problems.append(f"{file.name} was changed: its SHA-256 is not the manifest's")
    return problems
