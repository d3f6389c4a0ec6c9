"""Which engine it is and what it publishes: engines that answer oddly, hugely or not at all."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tachograph._internal.delivery import MetricPoint
from tachograph_sidecar.engines import ADAPTERS
from tachograph_sidecar.engines.deployment import ServedModel
from tachograph_sidecar.engines.detect import detect
from tachograph_sidecar.engines.pages import MAX_PAGE_BYTES
from tachograph_sidecar.engines.watch import MAX_SAMPLES, EngineWatch
from tachograph_sidecar.proxy.pool import parse_upstream


class Pages:
    """A real HTTP server of pages; what is not listed is 404, or 200 for everything."""

    def __init__(self, port: int = 0) -> None:
        self.pages: dict[str, str] = {}
        self.answers_everything = False
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                text = pages.pages.get(self.path, "{}" if pages.answers_everything else None)
                self.send_response(404 if text is None else 200)
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.upstream = parse_upstream(f"http://127.0.0.1:{self._server.server_address[1]}")
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def pages() -> Iterator[Pages]:
    pages = Pages()
    yield pages
    pages.close()


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/v1/models", {"data": [{"owned_by": "vllm"}]}, "vllm"),
        ("/v1/models", {"data": [{"owned_by": "sglang"}]}, "sglang"),
        ("/v1/models", {"data": [{"owned_by": "library"}]}, "ollama"),
        ("/props", {"default_generation_settings": {}}, "llama_cpp"),
        ("/info", {"model_id": "m"}, "tgi"),
        ("/v1/models", {"data": [{"owned_by": "someone"}]}, None),
        ("/v1/models", [1], None),
    ],
)
def test_engines_are_recognised(pages: Pages, path: str, body: object, name: str | None) -> None:
    pages.pages[path] = json.dumps(body)
    found = detect(pages.upstream)
    assert (found.name if found else None) == name


def test_a_server_that_says_yes_to_everything_is_not_recognised(pages: Pages) -> None:
    pages.answers_everything = True
    assert detect(pages.upstream) is None


def _watch(pages: Pages, kept: list[MetricPoint], name: str | None = "vllm") -> EngineWatch:
    engine = ADAPTERS[name] if name is not None else None
    return EngineWatch(pages.upstream, engine, lambda: 3, kept.extend)


def test_metrics_and_the_proxys_own_state_are_published(pages: Pages) -> None:
    pages.pages["/metrics"] = '# TYPE vllm:a gauge\nvllm:a{model_name="m"} 2\nother 1\n'
    kept: list[MetricPoint] = []
    _watch(pages, kept).look()
    assert [(p.name, p.value, dict(p.attributes)) for p in kept] == [
        ("vllm:a", 2.0, {"model_name": "m"}),
        ("tachograph.proxy.upstream_up", 1, {}),
        ("tachograph.proxy.requests_in_flight", 3, {}),
    ]


def test_a_page_of_50_mb_is_refused(pages: Pages) -> None:
    pages.pages["/metrics"] = "vllm:a 1\n" * (50 * 1024 * 1024 // 9)
    kept: list[MetricPoint] = []
    watch = _watch(pages, kept)
    watch.look()
    assert watch.is_up is True
    assert watch.problem is not None and str(MAX_PAGE_BYTES) in watch.problem
    assert {p.name for p in kept} == {
        "tachograph.proxy.upstream_up",
        "tachograph.proxy.requests_in_flight",
    }


def test_a_page_of_too_many_samples_is_cut(pages: Pages) -> None:
    pages.pages["/metrics"] = "\n".join(f'vllm:a{{x="{n}"}} 1' for n in range(MAX_SAMPLES + 5))
    kept: list[MetricPoint] = []
    watch = _watch(pages, kept)
    watch.look()
    assert len(kept) == MAX_SAMPLES + 2
    assert watch.problem is not None and "samples" in watch.problem


def test_an_engine_that_is_away_is_a_state() -> None:
    pages = Pages()
    pages.close()
    kept: list[MetricPoint] = []
    watch = _watch(pages, kept, name=None)
    watch.look()
    assert watch.is_up is False and watch.engine.name == "unknown"
    assert watch.problem is not None and "does not answer" in watch.problem
    assert [p.value for p in kept if p.name == "tachograph.proxy.upstream_up"] == [0]


def test_an_engine_whose_health_page_says_no_is_down(pages: Pages) -> None:
    watch = _watch(pages, [], name="transformers")
    watch.look()  # 404: it is there, and cannot work
    assert watch.is_up is False
    assert watch.problem is not None and "/health answers 404" in watch.problem
    pages.pages["/health"] = '{"status": "ok"}'
    watch.look()
    assert watch.is_up is True and watch.problem is None


def test_an_engine_that_comes_later_is_recognised_then(pages: Pages) -> None:
    watch = _watch(pages, [], name=None)
    watch.look()
    assert watch.engine.name == "unknown"
    pages.pages["/v1/models"] = json.dumps({"data": [{"owned_by": "vllm"}]})
    watch.look()
    assert watch.engine.name == "vllm"


def test_how_the_engine_was_started_is_asked_when_it_comes_up(pages: Pages) -> None:
    watch = _watch(pages, [], name=None)
    watch.look()
    assert watch.deployment.version is None
    model = {"id": "m", "owned_by": "vllm", "root": "org/m", "parent": None}
    adapter = {"id": "a", "owned_by": "vllm", "root": "/a", "parent": "m"}
    pages.pages["/v1/models"] = json.dumps({"data": [model, adapter]})
    pages.pages["/version"] = json.dumps({"version": "0.32.0"})
    watch.look()
    assert watch.deployment.version == "0.32.0"
    assert watch.deployment.models == {
        "m": ServedModel(weights="org/m"),
        "a": ServedModel(weights="org/m", adapter="a"),
    }


def test_an_engine_that_came_up_again_is_asked_again() -> None:
    pages = Pages()
    pages.pages["/version"] = json.dumps({"version": "0.32.0"})
    watch = _watch(pages, [])
    watch.look()
    pages.pages["/version"] = json.dumps({"version": "0.33.0"})
    watch.look()
    assert watch.deployment.version == "0.32.0"  # believed for a while
    port = pages.upstream.port
    pages.close()
    watch.look()
    again = Pages(port)
    again.pages["/version"] = json.dumps({"version": "0.33.0"})
    watch.look()
    again.close()
    assert watch.deployment.version == "0.33.0"
