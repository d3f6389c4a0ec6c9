"""The routing file: what it says, and errors that name place and remedy."""

from pathlib import Path

import pytest

from tachograph_sidecar.proxy.admission import TenantRule
from tachograph_sidecar.routing import Routing, read_routing

FILE = """
upstreams = ["http://127.0.0.1:8001", "http://127.0.0.1:8002"]

[admission]
max_in_flight = 64
max_wait_s = 2.5

[tenants.acme]
requests_per_minute = 600
tokens_per_minute = 100_000
priority = "high"

[tenants."*"]
tokens_per_minute = 5000
"""


def _read(folder: Path, text: str) -> Routing:
    path = folder / "routing.toml"
    path.write_text(text, encoding="utf-8")
    return read_routing(path)


def test_a_whole_file(tmp_path: Path) -> None:
    routing = _read(tmp_path, FILE)
    assert routing.upstreams is not None and routing.rules is not None
    assert [upstream.port for upstream in routing.upstreams] == [8001, 8002]
    assert (routing.rules.max_in_flight, routing.rules.max_wait_s) == (64, 2.5)
    assert routing.rules.of("acme") == TenantRule(600, 100_000, "high")
    assert routing.rules.of("someone") == routing.rules.of(None) == TenantRule(None, 5000)


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert _read(tmp_path, "") == Routing(None, None)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("upstreams = 'http://a:1'", "upstreams"),
        ("upstreams = ['a']", "not a URL"),
        ("upstream = ['http://a:1']", "'upstream'"),
        ("[admission]\nmax_inflight = 3", "max_inflight"),
        ("[admission]\nmax_in_flight = 1.5", "admission.max_in_flight"),
        ("[admission]\nmax_wait_s = 0", "admission.max_wait_s"),
        ("[admission]\nmax_wait_s = true", "admission.max_wait_s"),
        ("[tenants.a]\npriority = 'urgent'", r'tenants\."a"'),
        ("[tenants.a]\ntokens_per_minute = 'many'", "tokens_per_minute"),
        ("[tenants]\na = 3", r'tenants\."a"'),
        ("tenants = 3", "tenants"),
        ("[", "TOML"),
    ],
)
def test_errors_name_the_place(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(ValueError, match=place) as caught:
        _read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "routing.toml"))
