"""From the facts of a span to its attributes: JSON, masking, cutting."""

from collections.abc import Mapping
from typing import Final

from tachograph._internal.delivery.records import AttributeValue
from tachograph._internal.errors import deferred
from tachograph._internal.fitting import fitted_json, map_texts
from tachograph._internal.messages import plain_messages
from tachograph._internal.record import Form, SpanRecord
from tachograph._internal.truncate import truncated, well_formed
from tachograph.semconv import attributes
from tachograph.semconv.values import Observer
from tachograph.types import LimitOptions, Mask

MASK_FAILED: Final = "[withheld: the mask failed]"
"""Stands for a text whose mask raised an error or gave no text."""

MAX_NAME_CHARACTERS: Final = 256
"""Longest name of a span or of an own attribute."""

_MAX_STOP_BYTES: Final = 1024
_MAX_ERROR_BYTES: Final = 4096


class Builder:
    """Builds attributes under one client's settings; runs on whatever thread asks."""

    def __init__(self, mask: Mask | None, limits: LimitOptions) -> None:
        self._mask = mask
        self.limits = limits

    def attributes(self, record: SpanRecord) -> dict[str, AttributeValue]:
        """All attributes of an ended span. What can be long comes first: limits of a shared
        provider push out the oldest."""
        found: dict[str, AttributeValue] = {}
        if record.own:
            for name, value in record.own.items():
                with deferred("recording an attribute"):
                    found[name] = self.own(record, name, value)
        if record.contents:
            pieces = iter(record.contents)
            for name, form, content in zip(pieces, pieces, pieces, strict=True):
                with deferred(f"recording {name}"):
                    found[name] = self.content(record, name, form, content)
        found[attributes.OBSERVER] = Observer.CLIENT
        found[attributes.CONTENT_CAPTURE] = record.capture
        found.update(record.around)
        found.update(record.facts)
        if record.truncated:
            found[attributes.TRUNCATED] = record.truncated
        return found

    def error_text(self, record: SpanRecord) -> str:
        """The text of the error that a span ended with."""
        if not record.error_text:
            return ""
        return self._text(record, "status", record.error_text, _MAX_ERROR_BYTES)

    def content(self, record: SpanRecord, name: str, form: Form, value: object) -> str | list[str]:
        """One piece of content as the attribute `name`."""
        limit = self.limits.max_attribute_bytes
        if form == "text":
            return self._text(record, name, str(value), limit)
        if form == "texts":
            assert isinstance(value, list)
            return [self._text(record, name, item, _MAX_STOP_BYTES) for item in value]
        if form == "paragraphs":
            assert isinstance(value, list)
            return self._text(record, name, "\n\n".join(value), limit)
        if form == "user_messages":
            value = plain_messages(value, role="user")
        elif form == "assistant_messages":
            value = plain_messages(value, role="assistant")
        return self._json(record, name, value)

    def own(self, record: SpanRecord, name: str, value: object) -> AttributeValue:
        """An attribute of the application's own."""
        if isinstance(value, bool | int | float):
            return value
        limit = self.limits.max_attribute_bytes
        if isinstance(value, str):
            return self._text(record, name, value, limit)
        if isinstance(value, list) and len({type(item) for item in value}) == 1:
            if isinstance(value[0], bool | int | float):
                return value
            if isinstance(value[0], str):
                share = limit // len(value)
                return [self._text(record, name, item, share) for item in value]
        return self._json(record, name, value)

    def masked(self, text: str) -> str:
        """`text` as it may be recorded."""
        if self._mask is None:
            return text
        masked: object = MASK_FAILED
        with deferred("masking a text"):
            masked = self._mask(text)
        return masked if isinstance(masked, str) else MASK_FAILED

    def _text(self, record: SpanRecord, name: str, text: str, max_bytes: int) -> str:
        kept, is_cut = truncated(self.masked(text), max_bytes)
        if is_cut:
            record.mark_truncated(name)
        return kept

    def _json(self, record: SpanRecord, name: str, plain: object) -> str:
        if self._mask is not None:
            plain = map_texts(plain, self.masked)
        text, is_cut = fitted_json(plain, self.limits.max_attribute_bytes)
        if is_cut:
            record.mark_truncated(name)
        return text


def cleaned(found: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    """Attributes that UTF-8 can hold, for a provider that is not ours. Ids and models come from
    callers and engines as they are; one lone surrogate would cost the whole attribute."""
    return {
        well_formed(name): well_formed(value) if isinstance(value, str) else value
        for name, value in found.items()
    }
