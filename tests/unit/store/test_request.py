"""Reading a request: host, credentials, options, forms."""

import base64

import pytest

from tachograph_store.embedded.exceptions import EngineException
from tachograph_store.embedded.request import (
    Options,
    StoreRequest,
    is_allowed_host,
    parse_form,
)

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:18123", "LOCALHOST:1", "[::1]", "[::1]:9"]
)
def test_own_names(host: str) -> None:
    assert is_allowed_host(host, LOOPBACK)


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1.evil.example:80", "localhost@x:1"])
def test_other_names(host: str) -> None:
    assert not is_allowed_host(host, LOOPBACK)


def request(query: str = "", **headers: str) -> StoreRequest:
    return StoreRequest.from_scope(
        {
            "method": "POST",
            "query_string": query.encode(),
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
        }
    )


def test_credentials_of_either_header() -> None:
    basic = base64.b64encode(b"reader:a:b").decode()
    assert request(authorization=f"Basic {basic}").credentials() == ("reader", "a:b")
    two = request(x_clickhouse_user="writer", x_clickhouse_key="k")
    assert two.credentials() == ("writer", "k")


@pytest.mark.parametrize(
    "made",
    [
        request(),
        request(authorization="Bearer x"),
        request(authorization="Basic %%%"),
        request("user=reader&password=x"),
    ],
)
def test_other_credentials_are_refused(made: StoreRequest) -> None:
    with pytest.raises(EngineException) as caught:
        made.credentials()
    assert caught.value.code == 516


def test_options_are_sorted() -> None:
    options = Options.of(
        {"param_x": "1", "mutations_sync": "0", "query_id": "q", "default_format": "JSON"}, {}
    )
    assert options.parameters == {"x": "1"}
    assert options.settings == {"mutations_sync": "0"}
    assert options.default_format == "JSON"


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ({"readonly": "0"}, 164),
        ({"max_memory_usage": "0"}, 164),
        ({"Funny Name": "0"}, 115),
        ({"database": "system"}, 81),
    ],
)
def test_other_options_are_refused(pairs: dict[str, str], code: int) -> None:
    with pytest.raises(EngineException) as caught:
        Options.of(pairs, {})
    assert caught.value.code == code


FORM = (
    b'--b\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT {x:String}\r\n'
    b'--b\r\nContent-Disposition: form-data; name="param_x"\r\n\r\n\xc3\xa9\r\nend\r\n--b--\r\n'
)


def test_a_form() -> None:
    fields = parse_form(FORM, "multipart/form-data; boundary=b")
    assert fields == {"query": "SELECT {x:String}", "param_x": "é\r\nend"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (FORM, "multipart/form-data"),
        (FORM.replace(b"name=", b"nome="), "multipart/form-data; boundary=b"),
        (FORM.replace(b"\xc3\xa9", b"\xff"), "multipart/form-data; boundary=b"),
        (
            FORM.replace(b'name="query"', b'name="query"; filename="f"'),
            "multipart/form-data; boundary=b",
        ),
    ],
)
def test_a_broken_form_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(EngineException) as caught:
        parse_form(body, content_type)
    assert caught.value.code == 36
