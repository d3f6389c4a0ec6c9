"""Who may see a page: the session decides, and the collector is asked again whether its key stands."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from streamlit.testing.v1 import AppTest
from tests.integration.dashboard.conftest import APP, shown

from tachograph_dashboard import access, service
from tachograph_dashboard.collector_client import (
    CollectorClient,
    CollectorUnavailable,
    FeedbackRefused,
    KeyRefused,
)
from tachograph_dashboard.sessions import COOKIE, Identity
from tachograph_dashboard.settings import DashboardSettings
from tachograph_store.client import Store

Answers = Callable[[int, str], CollectorClient]


@pytest.fixture
def answers() -> Iterator[Answers]:
    """A collector that gives one answer to everything."""
    servers: list[ThreadingHTTPServer] = []

    def serve(status: int, body: str) -> CollectorClient:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self.send_response(status)
                if status == 302:
                    self.send_header("location", "http://127.0.0.1:9/elsewhere")
                self.send_header("content-length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return CollectorClient(f"http://127.0.0.1:{server.server_port}", timeout_s=60)

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


GOOD = '{"project": "shop", "role": "read", "key_id": "ab12"}'


def test_a_good_key_names_its_project(answers: Answers) -> None:
    identity = answers(200, GOOD).whoami("tg_x")
    assert identity == Identity(project="shop", role="read", key_id="ab12", api_key="tg_x")


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_the_collector_does_not_know_is_refused(answers: Answers, status: int) -> None:
    with pytest.raises(KeyRefused):
        answers(status, "{}").whoami("tg_x")


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, ""), (302, ""), (200, "<html>"), (200, "[]"), (200, '{"project": "shop"}')],
)
def test_anything_but_a_collectors_answer_opens_nothing(
    answers: Answers, status: int, body: str
) -> None:
    with pytest.raises(CollectorUnavailable):
        answers(status, body).whoami("tg_x")


def test_no_collector_is_said_with_the_remedy() -> None:
    with pytest.raises(CollectorUnavailable, match="TACHOGRAPH_DASHBOARD_COLLECTOR_URL"):
        CollectorClient("http://127.0.0.1:9", timeout_s=1).whoami("tg_x")


@pytest.mark.parametrize("key", ["", "two words", "tg_\u202e", "x" * 513])
def test_what_cannot_be_a_key_is_never_sent(key: str) -> None:
    with pytest.raises(KeyRefused):
        CollectorClient("http://127.0.0.1:9", timeout_s=1).whoami(key)


def test_refused_feedback_gives_the_collectors_reason(answers: Answers) -> None:
    body = '{"error": {"message": "no such span", "remedy": "check both ids"}}'
    with pytest.raises(FeedbackRefused, match="no such span check both ids"):
        answers(404, body).post_feedback(
            "tg_x",
            trace_id="0" * 32,
            name="thumbs",
            span_id="0" * 16,
            value=1.0,
            label="up",
            comment=None,
        )


def run_with(token: str | None) -> AppTest:
    page = AppTest.from_file(APP, default_timeout=300)
    if token is not None:
        page.session_state[COOKIE] = token
    page.run()
    assert not page.exception
    return page


def serve_with(collector: CollectorClient, store: Store) -> service.Service:
    built = service.build(DashboardSettings(), store)
    made = service.Service(built.settings, store, built.sessions, collector)
    service.install(made)
    return made


def test_a_page_shows_nothing_without_a_session(reader_store: Store, answers: Answers) -> None:
    serve_with(answers(200, GOOD), reader_store)
    for token in (None, "guessed"):
        page = run_with(token)
        assert [header.value for header in page.header] == ["You are logged out"]
        assert not page.metric
        assert not page.dataframe


def test_a_session_shows_its_own_project(
    reader_store: Store, answers: Answers, project: str
) -> None:
    made = serve_with(answers(200, GOOD), reader_store)
    page = run_with(made.sessions.open(Identity(project=project, role="read", api_key="tg_x")))
    assert [header.value for header in page.header] == ["Overview"]
    assert project in [text.value for text in page.sidebar.text]


def test_a_revoked_key_ends_its_session(
    reader_store: Store, answers: Answers, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "RECHECK_S", 0.0)
    made = serve_with(answers(401, "{}"), reader_store)
    token = made.sessions.open(Identity(project=project, role="read", api_key="tg_x"))
    assert "You are logged out" in shown(run_with(token))
    assert made.sessions.get(token) is None


def test_a_session_outlives_a_collector_that_is_away(
    reader_store: Store, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "RECHECK_S", 0.0)
    made = serve_with(CollectorClient("http://127.0.0.1:9", timeout_s=1), reader_store)
    page = run_with(made.sessions.open(Identity(project=project, role="read", api_key="tg_x")))
    assert [header.value for header in page.header] == ["Overview"]
