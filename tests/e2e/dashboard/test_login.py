"""Login: a key opens its project, a wrong one opens nothing, leaving closes every tab."""

import httpx
from playwright.sync_api import Page, expect
from tests.e2e.dashboard.conftest import service_process
from tests.e2e.dashboard.screenshots import log_in

from tachograph_dashboard.sessions import COOKIE
from tachograph_dashboard.throttle import MAX_FAILURES
from tachograph_store.client import Store
from tachograph_store.keys import create_key
from tachograph_store.settings import StoreSettings


def test_a_key_opens_its_project_and_the_page_that_was_asked_for(
    page: Page, dashboard_url: str, read_key: str, project: str
) -> None:
    log_in(page, f"{dashboard_url}/ledger", read_key)
    expect(page.get_by_role("heading", name="Ledger")).to_be_visible()
    expect(page.get_by_test_id("stSidebar").get_by_text(project)).to_be_visible()
    cookie = next(cookie for cookie in page.context.cookies() if cookie["name"] == COOKIE)
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    page.reload()
    expect(page.get_by_role("heading", name="Ledger")).to_be_visible()


def test_a_wrong_key_opens_nothing_and_says_why(page: Page, dashboard_url: str) -> None:
    log_in(page, dashboard_url, "tg_wrong")
    expect(page.get_by_role("alert")).to_contain_text("unknown, expired or revoked")
    page.goto(f"{dashboard_url}/traces")
    expect(page.get_by_label("API key")).to_be_visible()


def test_a_key_that_may_only_ingest_is_told_so(
    page: Page, dashboard_url: str, writer_store: Store, project: str
) -> None:
    log_in(page, dashboard_url, create_key(writer_store, project, "ingest", "app").key)
    expect(page.get_by_role("alert")).to_contain_text("needs view, read or admin")


def test_logging_out_ends_the_session_in_all_tabs(
    page: Page, dashboard_url: str, read_key: str
) -> None:
    log_in(page, dashboard_url, read_key)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    other = page.context.new_page()
    other.goto(f"{dashboard_url}/cost")
    expect(other.get_by_role("heading", name="Cost")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out")).to_be_visible()
    other.reload()
    expect(other.get_by_label("API key")).to_be_visible()


def test_nothing_is_served_without_a_session(dashboard_url: str) -> None:
    with httpx.Client(base_url=dashboard_url, trust_env=False, timeout=60) as client:
        for path in ("/", "/traces?trace=00", "/_stcore/host-config", "/media/x", "/~/+/x"):
            asked = client.get(path, headers={"Accept": "text/html"})
            assert asked.status_code == 303, path
            assert asked.headers["location"].startswith("/login")
            assert client.get(path, headers={"Accept": "*/*"}).status_code == 403
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        assert client.get("/_stcore/stream", headers=upgrade).status_code == 403


def test_pages_forbid_other_origins_and_frames(dashboard_url: str) -> None:
    answer = httpx.get(f"{dashboard_url}/login", trust_env=False, timeout=60)
    policy = answer.headers["content-security-policy"]
    for rule in ("connect-src 'self'", "frame-ancestors 'none'", "object-src 'none'"):
        assert rule in policy
    assert answer.headers["referrer-policy"] == "same-origin"


def test_a_foreign_host_header_is_refused(dashboard_url: str) -> None:
    """A page of another site cannot reach the dashboard by a name that it points at loopback."""
    answer = httpx.get(
        f"{dashboard_url}/login", headers={"Host": "evil.example"}, trust_env=False, timeout=60
    )
    assert answer.status_code == 421


def test_a_form_of_another_site_is_refused(dashboard_url: str, read_key: str) -> None:
    answer = httpx.post(
        f"{dashboard_url}/login",
        data={"key": read_key},
        headers={"Origin": "https://evil.example"},
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_huge_form_is_no_key(dashboard_url: str) -> None:
    answer = httpx.post(
        f"{dashboard_url}/login", data={"key": "x" * 10**6}, trust_env=False, timeout=60
    )
    assert answer.status_code == 401


def test_guessing_is_slowed(store_server: StoreSettings, collector_url: str, read_key: str) -> None:
    home = store_server.directory.parent
    arguments = ("--collector-url", collector_url)
    health = "/_stcore/health"
    # A dashboard of its own: the address is held off for a minute
    with service_process("tachograph_dashboard.command", home, health, *arguments) as url:
        for _ in range(MAX_FAILURES):
            answer = httpx.post(
                f"{url}/login", data={"key": "tg_guess"}, trust_env=False, timeout=60
            )
            assert answer.status_code == 401
        held = httpx.post(f"{url}/login", data={"key": read_key}, trust_env=False, timeout=60)
    assert held.status_code == 429
    assert 0 < int(held.headers["retry-after"]) <= 60
    assert "set-cookie" not in held.headers
