"""Which targets a webhook may have."""

import pytest

from tachograph_evaluators.alerts.address import (
    AddressRefused,
    check_address,
    parse_target,
    resolve,
)

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "2002:7f00:1::1",
    "2002:c0a8:101::1",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.169.254",
    "169.254.1.1",
    "100.100.100.200",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
    "fd00:ec2::254",
    "2001:db8::1",
    "3fff::1",
    "2001::1",
    "64:ff9b:1::1",
    "64:ff9b::a9fe:a9fe",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "::ffff:0:127.0.0.1",
    "::127.0.0.1",
    "2002:a9fe:a9fe::1",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_to_be_allowed(address: str) -> None:
    with pytest.raises(AddressRefused, match="allow_private = true"):
        check_address(address)
    check_address(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_refused_whatever_is_allowed(address: str) -> None:
    for allow_private in (False, True):
        with pytest.raises(AddressRefused, match="ordinary address"):
            check_address(address, allow_private=allow_private)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0177.0.0.1",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "localhost",
        "[::1]",
        "127.0.0.1",
    ],
)
def test_odd_spellings_of_loopback_are_seen_through(host: str) -> None:
    with pytest.raises(AddressRefused, match="loopback"):
        resolve(parse_target(f"http://{host}:80/"))


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "0", "[::]"])
def test_odd_spellings_of_metadata_and_zero_are_seen_through(host: str) -> None:
    with pytest.raises(AddressRefused, match="metadata"):
        resolve(parse_target(f"http://{host}/"), allow_private=True)


def test_resolving_gives_addresses_not_names() -> None:
    addresses = resolve(parse_target("http://localhost:80/"), allow_private=True)
    assert set(addresses) <= {"127.0.0.1", "::1"}
    assert len(addresses) == len(set(addresses)) > 0


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/", "neither http nor https"),
        ("file:///etc/passwd", "neither http nor https"),
        ("gopher://example.com/", "neither http nor https"),
        ("example.com/hook", "neither http nor https"),
        ("https://user:pw@example.com/", "credentials"),
        ("https://user@example.com/", "credentials"),
        ("https:///hook", "no usable host"),
        ("https://example.com:0/", "no usable host or port"),
        ("https://[fe80::1%25eth0]/", "no usable host"),
        ("https://example.com:99999/", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://example.com/a b", "characters"),
        ("https://example.com\\@127.0.0.1/", "characters"),
        ("https://①②⑦.⓪.⓪.①/", "characters"),
        ("https://example.com/\r\nX-Injected: 1", "characters"),
    ],
)
def test_urls_that_no_webhook_has(url: str, reason: str) -> None:
    with pytest.raises(AddressRefused, match=reason):
        parse_target(url)


def test_a_target_is_shown_without_its_path() -> None:
    target = parse_target("https://hooks.example.com/services/T0/SECRET?token=SECRET")
    assert target.shown == "https://hooks.example.com:443/…"
    assert target.request == "/services/T0/SECRET?token=SECRET"
    assert parse_target("http://[2606:4700::1111]:81").shown == "http://[2606:4700::1111]:81/…"
    assert parse_target("http://h").request == "/"
