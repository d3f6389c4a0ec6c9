"""Unit costs over REST: at the collector's prices, or a clear word that it has none."""

from collections.abc import Callable
from typing import Any

import httpx


def test_unit_costs_are_those_of_the_collectors_prices(
    api: Any, harness: Any, project: str, make_key: Any, collector_with: Callable[..., str]
) -> None:
    api.export(harness.chat_span())
    refused = api.client.get("/api/v1/unit-costs")
    assert refused.status_code == 409
    assert "TACHOGRAPH_COLLECTOR_GPU_HOUR_PRICE" in refused.json()["error"]["remedy"]

    url = collector_with(
        TACHOGRAPH_COLLECTOR_GPU_HOUR_PRICE="2.5", TACHOGRAPH_COLLECTOR_GRPC_PORT="off"
    )
    headers = {"authorization": f"Bearer {make_key(project)}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        answer = client.get("/api/v1/unit-costs", params={"by": "model"}).json()
        assert client.get("/api/v1/unit-costs", params={"by": "user"}).status_code == 422
    assert (answer["currency"], answer["gpu_count"], answer["energy_j"]) == ("USD", 0, None)
    (segment,) = answer["segments"]
    assert (segment["segment"], segment["requests"], segment["without_energy"]) == ("gpt-4o", 1, 1)
    assert segment["tokens"] > 0 and segment["list_per_million"] > 0
    assert (segment["per_million"], segment["break_even_ratio"]) == (None, None)
