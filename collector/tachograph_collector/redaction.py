"""Redaction of what a project's senders say, before anything of it is written.

It stands between translation and the journal, so that no segment, quarantine file or table ever
holds what was found. Off unless `TACHOGRAPH_COLLECTOR_REDACT` names projects and types.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tachograph_collector.importing.batch import Batch
from tachograph_collector.settings import CollectorSettings
from tachograph_collector.translate.row import INDEX
from tachograph_detectors.redact import Redactor
from tachograph_store.rows import ScoreRow, SpanRow

ALL_PROJECTS: Final = "*"

_SPAN_TEXTS: Final = (
    "name", "status_message", "tenant", "user", "session", "variant", "error_type", "prompt",
    "completion", "context",
)  # fmt: skip
_SPAN_MAPS: Final = ("attributes", "resource_attributes")
_ATTRIBUTES: Final = INDEX["attributes"]
_RESOURCE: Final = INDEX["resource_attributes"]
_EVENTS: Final = INDEX["event_attributes"]
_SCORE_TEXTS: Final = ("name", "label", "explanation", "error_type", "tenant", "variant")


@dataclass(frozen=True, slots=True)
class ProjectRedaction:
    """What one project's rows go through."""

    redactor: Redactor

    def span_values(self, rows: Sequence[list[Any]]) -> None:
        """Redact rows given as values in the order of `SpanRow`'s fields, in place."""
        resources: dict[int, tuple[Mapping[str, str], Mapping[str, str]]] = {}
        for row in rows:
            for name in _SPAN_TEXTS:
                if row[INDEX[name]]:
                    row[INDEX[name]] = self.redactor.json_text(row[INDEX[name]])
            resource = row[_RESOURCE]  # the rows of one sender share it
            if id(resource) not in resources:  # held there, so that no other gets its id
                resources[id(resource)] = (resource, self._map(resource))
            row[_RESOURCE] = resources[id(resource)][1]
            row[_ATTRIBUTES] = self._map(row[_ATTRIBUTES])
            row[_EVENTS] = [self._map(attributes) for attributes in row[_EVENTS]]

    def span(self, row: SpanRow) -> SpanRow:
        """The row, redacted."""
        changed: dict[str, Any] = {name: self._text(getattr(row, name)) for name in _SPAN_TEXTS}
        changed |= {name: self._map(getattr(row, name)) for name in _SPAN_MAPS}
        changed["event_attributes"] = [self._map(values) for values in row.event_attributes]
        return replace(row, **changed)

    def score(self, row: ScoreRow) -> ScoreRow:
        """The row, redacted."""
        changed: dict[str, Any] = {name: self._text(getattr(row, name)) for name in _SCORE_TEXTS}
        return replace(row, **changed)

    def batch(self, batch: Batch) -> Batch:
        """The rows of an import, redacted; readings and rollups hold no text of people's."""
        for table, redact in (("spans", self.span), ("scores", self.score)):
            if table in batch.tables:
                batch.tables[table] = [redact(row) for row in batch.tables[table]]
        return batch

    def _text(self, text: str | None) -> str | None:
        return self.redactor.json_text(text) if text else text

    def _map(self, values: Mapping[str, str]) -> dict[str, str]:
        return {
            self.redactor.text(key): self.redactor.json_text(value) for key, value in values.items()
        }


class Redaction:
    """The redaction of each project, by the settings.

    Raises ValueError for types that there are not.
    """

    def __init__(self, settings: CollectorSettings) -> None:
        secret = settings.redact_key
        key = secret.get_secret_value().encode() if secret is not None else None
        self._projects = {
            project: ProjectRedaction(Redactor.of(names, key)) if names else None
            for project, names in settings.redact.items()
        }

    def of(self, project: str) -> ProjectRedaction | None:
        """What the project's rows go through; None where nothing is redacted."""
        if project in self._projects:
            return self._projects[project]
        return self._projects.get(ALL_PROJECTS)
