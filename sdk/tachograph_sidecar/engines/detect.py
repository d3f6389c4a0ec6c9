"""Which engine is it? From its `Server` header, its model list, or a page only it has."""

from tachograph_sidecar.engines import ADAPTERS, EngineAdapter, by_server_header
from tachograph_sidecar.engines.pages import Page, PageTooLarge, get, object_of
from tachograph_sidecar.proxy.pool import Upstream


def detect(upstream: Upstream) -> EngineAdapter | None:
    """Ask the engine; None when it does not answer or is none of those known."""
    models = _page(upstream, "/v1/models")
    if models is None:
        return None
    named = by_server_header(models.server)
    if named is not None:
        return named
    owner = _model_owner(models.text) if models.status == 200 else None
    if owner is not None:
        for adapter in ADAPTERS.values():
            if adapter.model_owner == owner:
                return adapter
    for adapter in ADAPTERS.values():
        if adapter.probe is not None:
            path, key = adapter.probe
            page = _page(upstream, path)
            if page is not None and page.status == 200 and key in object_of(page.text):
                return adapter
    return None


def _page(upstream: Upstream, path: str) -> Page | None:
    try:
        return get(upstream, path)
    except PageTooLarge:
        return None


def _model_owner(text: str) -> str | None:
    models = object_of(text).get("data")
    first = models[0] if isinstance(models, list) and models else None
    owner = first.get("owned_by") if isinstance(first, dict) else None
    return owner if isinstance(owner, str) else None
