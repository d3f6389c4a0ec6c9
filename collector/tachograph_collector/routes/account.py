"""`GET /api/v1/whoami`."""

from fastapi import APIRouter

from tachograph_collector.routes.dependencies import BEARER, Anyone
from tachograph_collector.routes.models import WhoAmI

router = APIRouter(prefix="/api/v1", tags=["account"], dependencies=[BEARER])


@router.get("/whoami")
async def whoami(principal: Anyone) -> WhoAmI:
    """Project and role of the key that was sent."""
    return WhoAmI.model_validate(
        {"project": principal.project, "role": principal.role, "key_id": principal.key_id}
    )
