"""Without a key: only from loopback, only straight, only as project default."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tachograph_store.settings import StoreSettings


def test_loopback_is_project_default(api_for: Any, harness: Any) -> None:
    anonymous = api_for(None)
    who = anonymous.client.get("/api/v1/whoami").json()
    assert who == {"project": "default", "role": "read", "key_id": None}
    span = harness.chat_span()
    anonymous.export(span)
    shown = anonymous.client.get(f"/api/v1/traces/{span.trace_id.hex()}").json()
    assert shown["spans"][0]["project"] == "default"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"x-forwarded-for": "10.0.0.1"}, 401),
        ({"x-forwarded-proto": "https"}, 401),
        ({"forwarded": "for=10.0.0.1"}, 401),
        ({"host": "attacker.example"}, 403),
        ({"host": "[broken"}, 403),
        ({"origin": "https://attacker.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_proxies_and_other_sites_need_a_key(
    collector_url: str, harness: Any, headers: dict[str, str], status: int
) -> None:
    body = harness.trace_body(harness.chat_span())
    sent = {"content-type": "application/x-protobuf", **headers}
    assert (
        httpx.post(f"{collector_url}/v1/traces", content=body, headers=sent, timeout=60).status_code
        == status
    )
    answer = httpx.get(f"{collector_url}/api/v1/traces", headers=headers, timeout=60)
    assert answer.status_code == status
    assert answer.json()["error"]["remedy"]
    assert "access-control-allow-origin" not in answer.headers


def test_a_key_works_through_a_proxy(
    api: Any, collector_url: str, make_key: Any, project: str
) -> None:
    headers = {"x-forwarded-for": "10.0.0.1", "authorization": f"Bearer {make_key(project)}"}
    answer = httpx.get(f"{collector_url}/api/v1/whoami", headers=headers, timeout=60)
    assert answer.json()["project"] == project


def test_the_pages_own_origin_is_no_other_site(collector_url: str) -> None:
    answer = httpx.get(
        f"{collector_url}/api/v1/whoami", headers={"origin": collector_url}, timeout=60
    )
    assert answer.status_code == 200


@pytest.fixture
def closed_collector(store_server: StoreSettings, harness: Any, tmp_path: Path) -> Iterator[str]:
    home = store_server.directory.parent
    process, url = harness.start_collector(home, TACHOGRAPH_COLLECTOR_ANONYMOUS="off")
    yield url
    assert harness.stop(process) == 0


def test_it_can_be_switched_off(closed_collector: str, harness: Any) -> None:
    assert httpx.get(f"{closed_collector}/api/v1/whoami", timeout=60).status_code == 401
    assert httpx.get(f"{closed_collector}/livez", timeout=60).status_code == 200
    docs = httpx.get(f"{closed_collector}/docs", timeout=60)
    assert docs.status_code == 200
    assert "/api/v1/traces" in docs.text
    assert "<script" not in docs.text
