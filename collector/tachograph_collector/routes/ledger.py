"""`GET /api/v1/ledger`: the books."""

from fastapi import APIRouter

from tachograph_collector.routes.dependencies import BEARER, Parts, Reader
from tachograph_collector.routes.models import Equation, LedgerAnswer
from tachograph_collector.routes.ranges import Range
from tachograph_store.queries.ledger import equations, ledger_balance, ledger_entries

router = APIRouter(prefix="/api/v1", tags=["ledger"], dependencies=[BEARER])


@router.get("/ledger")
async def ledger(principal: Reader, parts: Parts, asked: Range) -> LedgerAnswer:
    """How many records of each source met which fate; lines follow the data by some seconds."""
    entries = await parts.link.ask(
        lambda store: ledger_entries(store, principal.project, asked.since, asked.until)
    )
    lines = await parts.link.ask(lambda store: ledger_balance(store, principal.project))
    return LedgerAnswer(
        since=asked.since,
        until=asked.until,
        entries=entries,
        is_balanced=all(line.is_balanced for line in lines),
        equations=[Equation.model_validate(equation) for equation in equations(lines)],
        lines=lines,
    )
