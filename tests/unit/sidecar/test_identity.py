"""Who asked: tenants, trace context; where to: upstream URLs; what a request is: routes."""

import hashlib
from pathlib import Path

import pytest

from tachograph_sidecar.observe.routes import route_of
from tachograph_sidecar.observe.trace_context import continue_trace
from tachograph_sidecar.proxy.pool import parse_upstream
from tachograph_sidecar.tenants import read_tenants

DIGEST = hashlib.sha256(b"key").hexdigest()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("acme = 1", "key_sha256"),
        ("[acme]\nkeys = []", "key_sha256"),
        ("[acme]\nkey_sha256 = []", "key_sha256"),
        ('[acme]\nkey_sha256 = ["sk-plain-key"]', "64 lower-case hex"),
        (f'[a]\nkey_sha256 = ["{DIGEST}"]\n[b]\nkey_sha256 = ["{DIGEST}"]', "both 'a' and 'b'"),
        ("[acme", "not valid TOML"),
    ],
)
def test_a_wrong_tenants_file_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "tenants.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_tenants(file)
    assert "sk-plain-key" not in str(caught.value)


def test_a_good_tenants_file_maps_digests(tmp_path: Path) -> None:
    file = tmp_path / "tenants.toml"
    file.write_text(
        f'[acme]\nkey_sha256 = ["{DIGEST}"]\n["big corp"]\nkey_sha256 = ["{"0" * 64}"]\n'
    )
    assert read_tenants(file) == {DIGEST: "acme", "0" * 64: "big corp"}


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"",
        b"garbage",
        b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
        b"00-0af7651916cd43dd8448eb211c80319c-" + b"0" * 16 + b"-01",
        b"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
        b"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
    ],
)
def test_a_trace_context_that_is_none_starts_a_trace(header: bytes | None) -> None:
    trace = continue_trace(header)
    assert trace.parent_id is None
    assert trace.trace_id and trace.span_id
    assert trace.trace_id != continue_trace(header).trace_id


def test_a_future_version_of_the_header_is_read() -> None:
    trace = continue_trace(b"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more")
    assert trace.parent_id == 0xB7AD6B7169203331


@pytest.mark.parametrize(
    ("url", "authority", "prefix"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", ""),
        ("http://engine", "engine", ""),
        ("https://engine/base/", "engine", "/base"),
        ("http://[::1]:8000", "[::1]:8000", ""),
    ],
)
def test_upstream_urls(url: str, authority: str, prefix: str) -> None:
    upstream = parse_upstream(url)
    assert (upstream.authority, upstream.prefix) == (authority, prefix)


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        (b"POST", b"/v1/chat/completions", "chat"),
        (b"POST", b"/openai/v1/chat/completions/", "chat"),
        (b"POST", b"/v1/completions", "text_completion"),
        (b"POST", b"/completion", "text_completion"),
        (b"POST", b"/v1/embeddings", "embeddings"),
        (b"POST", b"/api/chat", "chat"),
        (b"POST", b"/api/generate", "text_completion"),
        (b"POST", b"/api/embed", "embeddings"),
        (b"GET", b"/v1/chat/completions", None),
        (b"POST", b"/v1/chat", None),
        (b"POST", b"/tokenize", None),
    ],
)
def test_which_requests_are_model_calls(method: bytes, path: bytes, operation: str | None) -> None:
    route = route_of(method, path)
    assert (route.operation if route else None) == operation
