"""Takes a picture of every page of a running dashboard.

    python tests/e2e/dashboard/screenshots.py http://127.0.0.1:8501 docs/images --key tg_…

Run it from the repository root; Chromium is Debian's package.
"""

import argparse
import sys
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PAGES = ("overview", "traces", "quality", "cost", "gpu", "alerts", "ledger")
WAIT_MS = 120_000


def settle(page: Page) -> None:
    """Wait until Streamlit has finished its run and the charts are drawn."""
    page.wait_for_selector(
        '[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=WAIT_MS
    )
    page.wait_for_selector("h2", timeout=WAIT_MS)
    page.wait_for_function(
        "() => document.querySelectorAll('[data-stale=\"true\"]').length === 0"
        " && document.querySelectorAll('[data-testid=\"stSkeleton\"]').length === 0"
        " && [...document.querySelectorAll('[data-testid=\"stVegaLiteChart\"]')]"
        ".every(chart => chart.querySelector('canvas, svg'))",
        timeout=WAIT_MS,
    )


def log_in(page: Page, url: str, key: str | None) -> None:
    """Open the dashboard, with a key when one is given."""
    page.goto(url)
    if key is not None:
        page.fill("#key", key)
        page.click("button[type=submit]")


def main() -> int:
    """Write one PNG a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", help="API key, when the dashboard asks for one")
    parser.add_argument("--trace", help="a trace to open and take as trace.png")
    parser.add_argument("--range", default="1 h", help="time range, as the toolbar names it")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=1500)
    parser.add_argument("--pages", nargs="*", default=list(PAGES))
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(CHROMIUM_ARGUMENTS)
        )
        page = browser.new_page(
            viewport={"width": arguments.width, "height": arguments.height},
            color_scheme="dark" if arguments.dark else "light",
        )
        log_in(page, arguments.url, arguments.key)
        wanted = [(name, "" if name == "overview" else name) for name in arguments.pages]
        if arguments.trace:
            wanted.append(("trace", f"traces?trace={arguments.trace}"))
        for name, path in wanted:
            joined = "&" if "?" in path else "?"
            page.goto(f"{arguments.url.rstrip('/')}/{path}{joined}range={quote(arguments.range)}")
            settle(page)
            page.wait_for_timeout(600)  # fonts and chart transitions
            page.screenshot(path=arguments.folder / f"{name}.png")
            print(arguments.folder / f"{name}.png")
        if arguments.trace:
            page.get_by_text("Explain the time of this request").click()
            page.wait_for_selector("text=/ · .* · /", timeout=WAIT_MS)
            settle(page)
            page.wait_for_timeout(600)
            card = page.locator('[data-testid="stVerticalBlockBorderWrapper"], .stVerticalBlock')
            card = card.filter(has_text="Why it took so long").last
            card.screenshot(path=arguments.folder / "slow-causes.png")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
