"""`GET /api/v1/unit-costs`: what a million tokens cost, the machine's idle time paid."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from tachograph_collector.errors import ApiError
from tachograph_collector.routes.dependencies import BEARER, Parts, Reader
from tachograph_collector.routes.models import UnitCostAnswer, UnitCostsAnswer
from tachograph_collector.routes.ranges import Range
from tachograph_store.queries.selection import Selection
from tachograph_store.queries.unit_cost import MachinePrices, unit_costs

router = APIRouter(prefix="/api/v1", tags=["summary"], dependencies=[BEARER])

_Filter = Annotated[str | None, Query(max_length=1024)]


@router.get("/unit-costs")
async def read_unit_costs(
    principal: Reader,
    parts: Parts,
    asked: Range,
    by: Literal["model", "tenant"] = "model",
    model: _Filter = None,
    tenant: _Filter = None,
) -> UnitCostsAnswer:
    """By model or tenant, at the collector's own prices of a GPU-hour and of electricity."""
    settings = parts.settings
    if settings.gpu_hour_price is None:
        raise ApiError(
            409,
            "no_gpu_price",
            "nobody told the collector what a GPU-hour costs",
            None,
            "set TACHOGRAPH_COLLECTOR_GPU_HOUR_PRICE and start the collector again",
        )
    prices = MachinePrices(
        gpu_hour=settings.gpu_hour_price,
        electricity_kwh=settings.electricity_price_kwh,
        currency=settings.currency,
    )
    selection = Selection(
        project=principal.project,
        since=asked.since,
        until=asked.until,
        model=model,
        tenant=tenant,
    )
    found = await parts.link.ask(lambda store: unit_costs(store, selection, by, prices))
    machine = found.machine
    return UnitCostsAnswer(
        since=asked.since,
        until=asked.until,
        by=by,
        currency=prices.currency,
        gpu_count=machine.gpu_count,
        gpu_seconds=machine.gpu_s,
        busy_gpu_seconds=machine.busy_gpu_s,
        utilization_ratio=machine.utilization_ratio,
        energy_j=machine.energy_j,
        request_energy_j=machine.request_energy_j,
        segments=[UnitCostAnswer.model_validate(cost) for cost in found.segments],
    )
