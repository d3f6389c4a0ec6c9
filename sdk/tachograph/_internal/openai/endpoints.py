"""What the address of a model API says about who answers."""

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_PROVIDERS: Final = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "api.groq.com": "groq",
    "api.deepseek.com": "deepseek",
    "api.mistral.ai": "mistral_ai",
    "api.perplexity.ai": "perplexity",
    "api.x.ai": "x_ai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gcp.gemini",
}
"""Host, or the end of it -> `gen_ai.provider.name`."""

_OWN_SUFFIXES: Final = (".local", ".internal", ".lan", ".svc", ".localdomain", ".localhost")


@dataclass(frozen=True, slots=True)
class ModelEndpoint:
    """The address that a client calls."""

    host: str | None
    port: int | None
    provider: str | None
    """Known for hosted services; None for engines of one's own, which share one protocol."""
    is_own: bool
    """On this machine or in a private network: facts about users may be sent there."""


def endpoint_of(base_url: object) -> ModelEndpoint:
    """Read a client's `base_url`; an address that makes no sense is nobody's."""
    try:
        parts = urlsplit(str(base_url))
        host, port = parts.hostname, parts.port
    except ValueError:
        return ModelEndpoint(None, None, None, is_own=False)
    if not host:
        return ModelEndpoint(None, None, None, is_own=False)
    provider = next(
        (name for end, name in _PROVIDERS.items() if host == end or host.endswith(f".{end}")), None
    )
    if port is None:
        port = {"https": 443, "http": 80}.get(parts.scheme)
    return ModelEndpoint(host, port, provider, _is_own(host))


def _is_own(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_OWN_SUFFIXES)
    return address.is_private or address.is_loopback
