"""Reads one TOML table field by field; every complaint names the field and the remedy."""

import difflib
import math
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class FieldError(ValueError):
    """A field that cannot stand: `field`, what is wrong, and what to write instead."""

    def __init__(self, field: str, wrong: str, remedy: str) -> None:
        super().__init__(f"{field}: {wrong}; {remedy}")
        self.field = field


class Table:
    """A TOML table being read. `finish` refuses what nobody asked for."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._asked: set[str] = set()

    def has(self, field: str) -> bool:
        """Whether the field is written."""
        return field in self._values

    def text(self, field: str, *, longest: int = 200) -> str | None:
        """A printable, non-empty string, or None where the field is not written."""
        value = self._take(field)
        if value is None:
            return None
        if not isinstance(value, str) or not 0 < len(value.strip()) == len(value) <= longest:
            raise FieldError(
                field, f"is {_shown(value)}", f"write a text of 1 to {longest} characters"
            )
        if not value.isprintable():
            raise FieldError(field, "holds control characters", "write plain text on one line")
        return value

    def required_text(self, field: str, *, longest: int = 200) -> str:
        """As `text`, but must be written."""
        return _written(field, self.text(field, longest=longest))

    def number(
        self, field: str, *, least: float = -math.inf, most: float = math.inf
    ) -> float | None:
        """A finite number within bounds, or None where the field is not written."""
        value = self._take(field)
        if value is None:
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            raise FieldError(field, f"is {_shown(value)}", "write a finite number, without quotes")
        if not least <= value <= most:
            raise FieldError(field, f"is {value:g}", f"write a number from {least:g} to {most:g}")
        return float(value)

    def required_number(
        self, field: str, *, least: float = -math.inf, most: float = math.inf
    ) -> float:
        """As `number`, but must be written."""
        return _written(field, self.number(field, least=least, most=most))

    def whole(self, field: str, *, least: int, most: int) -> int | None:
        """A whole number within bounds, or None where the field is not written."""
        value = self.number(field, least=least, most=most)
        if value is not None and not value.is_integer():
            raise FieldError(field, f"is {value:g}", "write a whole number")
        return None if value is None else int(value)

    def choice(self, field: str, choices: Collection[str]) -> str | None:
        """One of the choices, or None where the field is not written."""
        value = self._take(field)
        if value is not None and (not isinstance(value, str) or value not in choices):
            raise FieldError(field, f"is {_shown(value)}", f"write one of {', '.join(choices)}")
        return value

    def flag(self, field: str) -> bool:
        """A boolean; false where the field is not written."""
        value = self._take(field)
        if value is not None and not isinstance(value, bool):
            raise FieldError(field, f"is {_shown(value)}", "write true or false, without quotes")
        return bool(value)

    def texts(self, field: str, *, most: int) -> tuple[str, ...]:
        """A list of different texts; empty where the field is not written."""
        value = self._take(field)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise FieldError(field, f"is {_shown(value)}", 'write a list of texts: ["one", "two"]')
        if len(value) > most or len(set(value)) != len(value):
            raise FieldError(field, "repeats an entry or is too long", f"{most} different at most")
        return tuple(value)

    def table(self, field: str) -> "Table":
        """A table inside this one; empty where it is not written."""
        value = self._take(field)
        if value is not None and not isinstance(value, dict):
            raise FieldError(field, f"is {_shown(value)}", f"write a table: {field} = {{ … }}")
        return Table(value or {})

    def tables(self, field: str, *, most: int) -> list["Table"]:
        """A list of tables, written `[[field]]`."""
        value = self._take(field)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise FieldError(field, f"is {_shown(value)}", f"begin each one with [[{field}]]")
        if len(value) > most:
            raise FieldError(field, f"has {len(value)} entries", f"{most} at most")
        return [Table(each) for each in value]

    def finish(self) -> None:
        """Refuse fields that were written but not asked for: a typing error would pass silently."""
        for field in self._values:
            if field not in self._asked:
                close = difflib.get_close_matches(field, self._asked, n=1)
                remedy = (
                    f"did you mean {close[0]}?"
                    if close
                    else "fields are: " + ", ".join(sorted(self._asked))
                )
                raise FieldError(field, "is not a field here", remedy)

    def _take(self, field: str) -> Any:
        self._asked.add(field)
        return self._values.get(field)


def _written(field: str, value: T | None) -> T:
    if value is None:
        raise FieldError(field, "is missing", f"add a line: {field} = …")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
