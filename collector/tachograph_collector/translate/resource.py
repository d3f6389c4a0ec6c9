"""The resource: who sent the records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from tachograph.semconv import attributes as a
from tachograph_collector.translate.content_hash import resource_identity
from tachograph_collector.translate.limits import Limits
from tachograph_collector.translate.values import cut, python_values, text_of

_MAX_NAME_BYTES = 256
_HOST_NAME = "host.name"

UNNAMED_SERVICE: Final = "unknown"
"""Ledger name of senders without `service.name`."""


@dataclass(frozen=True, slots=True)
class Source:
    """One resource, read once for all its records."""

    service_name: str
    service_instance_id: str
    host: str
    attributes: Mapping[str, str]
    identity: bytes  # its canonical bytes, for content hashes

    @property
    def ledger_name(self) -> str:
        """The name under which the books count its records."""
        return self.service_name or UNNAMED_SERVICE


def read_resource(resource: Resource, limits: Limits) -> Source:
    """Read a resource; attributes beyond the limits are left out."""
    attributes: dict[str, str] = {}
    for key, value in python_values(resource.attributes).items():
        if len(attributes) == limits.max_attributes:
            break
        attributes[cut(key, _MAX_NAME_BYTES)[0]] = cut(text_of(value), limits.max_attribute_bytes)[
            0
        ]
    return Source(
        service_name=_name(attributes, a.SERVICE_NAME),
        service_instance_id=_name(attributes, a.SERVICE_INSTANCE_ID),
        host=_name(attributes, _HOST_NAME),
        attributes=attributes,
        identity=resource_identity(resource),
    )


def _name(attributes: Mapping[str, str], key: str) -> str:
    return cut(attributes.get(key, ""), _MAX_NAME_BYTES)[0]
