"""Captured text that tries to come alive: nothing is fetched, run, linked or rendered from it."""

import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect
from tests.e2e.dashboard.screenshots import PAGES, log_in, settle
from tests.fixtures.hostile import TRAP_PORT, hostile_day
from tests.fixtures.seed import Seed

from tachograph_store.client import Store
from tachograph_store.keys import create_key
from tachograph_store.writer import Writer

ALIVE = """() => ({
    flag: window.alive ?? null,
    images: [...document.querySelectorAll('img, image, iframe, object, embed, video, audio')]
        .map(e => e.src || e.getAttribute('href') || e.data || '')
        .filter(source => source && new URL(source, location).origin !== location.origin
            && !source.startsWith('data:')),
    links: [...document.querySelectorAll('a')].map(e => e.href)
        .filter(target => !target.startsWith(location.origin + '/')),
    scripts: [...document.querySelectorAll('script')].map(e => e.textContent)
        .filter(code => code.includes('window.alive')),
    handlers: [...document.querySelectorAll('[onerror], [onclick], [onload]')].length,
    rendered: [...document.querySelectorAll('strong, em, code, h1, .katex')].map(e => e.textContent)
        .filter(text => /^(bold|code|head|math)$/.test(text.trim())),
    bidi: document.body.innerText.match(/[\\u202a-\\u202e\\u2066-\\u2069\\u200b]/g),
})"""
DEAD: dict[str, object] = {
    "flag": None,
    "images": [],
    "links": [],
    "scripts": [],
    "handlers": 0,
    "rendered": [],
    "bidi": None,
}


class Watched:
    """A page whose every request and dialog is kept."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = urlsplit(origin).netloc
        self.foreign: list[str] = []
        self.dialogs: list[str] = []
        page.on("request", lambda request: self._sees(request.url))
        page.on("websocket", lambda socket: self._sees(socket.url))
        page.on("popup", lambda popup: self.foreign.append(popup.url))
        page.on("dialog", self._refuses)

    def _refuses(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _sees(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob", "about") and parts.netloc != self.origin:
            self.foreign.append(url)

    def assert_dead(self) -> None:
        assert self.page.evaluate(ALIVE) == DEAD
        assert self.foreign == []
        assert self.dialogs == []


@pytest.fixture(scope="module")
def hostile_project() -> str:
    """One project for the whole module: its tests only look."""
    return f"hostile-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def hostile(hostile_project: str, writer_store: Store) -> Seed:
    """Markup in every captured text."""
    seed = hostile_day(hostile_project, datetime.now(UTC) - timedelta(seconds=5))
    seed.write(Writer(writer_store))
    return seed


@pytest.fixture
def watched(
    page: Page, dashboard_url: str, hostile_project: str, writer_store: Store, hostile: Seed
) -> Watched:
    """Logged in, with every request seen from the first on."""
    watch = Watched(page, dashboard_url)
    log_in(page, dashboard_url, create_key(writer_store, hostile_project, "read", "browser").key)
    settle(page)
    return watch


def hover_over(charts: Locator) -> None:
    """Move along each chart so that its tooltip is made."""
    for index in range(charts.count()):
        chart = charts.nth(index)
        chart.scroll_into_view_if_needed()
        box = chart.bounding_box()
        if box is None:
            continue
        for share in (0.35, 0.6, 0.8, 0.95, 0.985):
            chart.page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * 0.6)


def open_boxes(page: Page) -> None:
    """Open each select box, so that its options are drawn."""
    boxes = page.get_by_test_id("stSelectbox")
    for index in range(boxes.count()):
        boxes.nth(index).scroll_into_view_if_needed()
        boxes.nth(index).click()
        expect(page.get_by_role("listbox")).to_be_visible()
        page.keyboard.press("Escape")


def test_the_trap_is_seen_when_it_springs(page: Page, dashboard_url: str) -> None:
    """The test of the test: a live image is caught."""
    watch = Watched(page, dashboard_url)
    page.goto(f"{dashboard_url}/login")
    page.evaluate(
        f"document.body.insertAdjacentHTML('beforeend', '<img src=\"http://127.0.0.1:{TRAP_PORT}/\">')"
    )
    with pytest.raises(AssertionError):
        watch.assert_dead()


@pytest.mark.parametrize("path", PAGES)
def test_no_page_brings_captured_text_to_life(
    watched: Watched, dashboard_url: str, path: str
) -> None:
    page = watched.page
    page.goto(f"{dashboard_url}/{'' if path == 'overview' else path}")
    settle(page)
    hover_over(page.get_by_test_id("stVegaLiteChart"))
    open_boxes(page)
    watched.assert_dead()


def test_an_open_trace_shows_the_text_itself(
    watched: Watched, dashboard_url: str, hostile: Seed
) -> None:
    page = watched.page
    for span in hostile.spans[:10:5]:
        page.goto(f"{dashboard_url}/traces?trace={span.trace_id}")
        settle(page)
        texts = page.get_by_test_id("stText")
        expect(texts.filter(has_text="<script>window.alive=1</script>").first).to_be_visible()
        expect(texts.filter(has_text="␣U+202E").first).to_be_visible()
        expect(texts.filter(has_text="zero␣U+200Bwidth").first).to_be_visible()
        hover_over(page.get_by_test_id("stVegaLiteChart"))
        watched.assert_dead()


def test_an_address_that_carries_markup_is_text_too(watched: Watched, dashboard_url: str) -> None:
    page = watched.page
    payload = "%3Cimg%20src=x%20onerror=alert(1)%3E%5Bx%5D(javascript:alert(2))"
    for path in (f"traces?trace={payload}", f"traces?q={payload}", f"?model={payload}"):
        page.goto(f"{dashboard_url}/{path}")
        settle(page)
        watched.assert_dead()
