"""Where a webhook may go: its name is resolved once and every address of it is checked.

The caller connects to an address returned here and to nothing else, so a name that answers
differently the second time (DNS rebinding) gains nothing. Odd spellings of an address
(`2130706433`, `0177.1`, `0x7f000001`) need no rules of their own: the resolver reads them, and
what it reads is checked.
"""

import ipaddress
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
_V4: Final = ipaddress.IPv4Network
_V6: Final = ipaddress.IPv6Network

PRIVATE: Final = (
    _V4("127.0.0.0/8"),
    _V4("10.0.0.0/8"),
    _V4("172.16.0.0/12"),
    _V4("192.168.0.0/16"),
    _V4("100.64.0.0/10"),
    _V6("::1/128"),
    _V6("fc00::/7"),
)
"""What `allow_private` opens. Link-local, metadata, multicast and reserved ranges stay shut."""

METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254")
)
"""Addresses where clouds hand out credentials: never a webhook."""

_NAT64: Final = _V6("64:ff9b::/96")
_SHUT: Final = (
    _V6("64:ff9b:1::/48"),  # NAT64 of a local network: which IPv4 it means is not known here
    _V6("2001::/32"),  # Teredo
    _V6("::/96"),  # IPv4-compatible, given up in 2006
    _V6("::ffff:0:0:0/96"),  # IPv4-translated (SIIT)
    _V6("fec0::/10"),  # site-local, given up in 2004
    _V6("5f00::/16"),  # segment routing
    _V6("3fff::/20"),  # documentation
    _V4("192.88.99.0/24"),  # relays of 6to4, given up in 2015
)
"""Shut, though this Python's `is_global` may say otherwise."""


class AddressRefused(ValueError):
    """A target that no webhook may have: `reason`, and `remedy` saying what to change."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}; {remedy}")
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook's URL, taken apart. `request` is path and query as sent."""

    scheme: str
    host: str
    port: int
    request: str

    @property
    def shown(self) -> str:
        """What may be stored and logged: the path can be a credential, as Slack's is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/…"


def parse_target(url: str) -> Target:
    """Take a URL apart; AddressRefused unless it is http(s), with a host and no credentials."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise AddressRefused(
            "holds characters that no URL has", "write it in ASCII, percent-encoded (host: xn--…)"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("is no URL", "write https://host[:port]/path") from None
    if parts.scheme not in ("http", "https"):
        raise AddressRefused("is neither http nor https", "write https://host[:port]/path")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("holds credentials", "remove them: receivers check the signature")
    if not parts.hostname or "%" in parts.hostname or port == 0:
        raise AddressRefused("has no usable host or port", "write https://host[:port]/path")
    request = parts.path or "/"
    if parts.query:
        request += f"?{parts.query}"
    default_port = 443 if parts.scheme == "https" else 80
    return Target(parts.scheme, parts.hostname, port or default_port, request)


def literal_address(target: Target) -> str | None:
    """The address that the host is, where no resolver has a say in it; None for other names."""
    if target.host == "localhost" or target.host.endswith(".localhost"):  # RFC 6761, 6.3
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(target.host))
    except ValueError:
        return None


def check_address(text: str, *, allow_private: bool = False) -> None:
    """AddressRefused unless a webhook may connect to this IP address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise AddressRefused(f"{text} is no IP address", "name another host") from None
    for meant in _meanings(address):
        if _is_private(meant) and meant not in METADATA:
            if not allow_private:
                raise AddressRefused(
                    f"{text} is a private or loopback address",
                    "write allow_private = true in this [[webhook]] if that is meant",
                )
        elif not _is_public(meant):
            raise AddressRefused(
                f"{text} is a link-local, metadata, multicast or reserved address",
                "name a receiver that has an ordinary address",
            )


def resolve(target: Target, *, allow_private: bool = False) -> list[str]:
    """Resolve the host once; return its addresses, all of them checked.

    One bad address refuses the name, however many good ones stand beside it. Raises
    AddressRefused, or OSError when the name does not resolve.
    """
    answers = socket.getaddrinfo(
        target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    for address in addresses:
        check_address(address, allow_private=allow_private)
    return addresses


def _meanings(address: IPAddress) -> list[IPAddress]:
    """The address, and for IPv6 the IPv4 address that it stands for or tunnels to."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    if address.sixtofour is not None:
        return [address, address.sixtofour]
    return [address]


def _is_private(address: IPAddress) -> bool:
    return any(address in network for network in PRIVATE)


def _is_public(address: IPAddress) -> bool:
    if address in METADATA or address.is_multicast or address.is_reserved:
        return False
    if any(address in network for network in _SHUT):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        if address.sixtofour is not None:
            return True  # the IPv4 address inside is judged by itself
    return address.is_global
