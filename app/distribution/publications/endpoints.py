"""Routes of publications."""

from typing import Annotated

from fastapi import Depends, Query, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.distribution.publications import service
from app.distribution.publications.listing import PublicationQuery
from app.incentives.publications.schemas import PublicationCreate, PublicationList, PublicationRead
from app.kit.http import Db, Router, answered

router = Router(prefix="/v1/publications", tags=["publications"])
Reader = Annotated[Caller, requires("publications:read")]
Writer = Annotated[Caller, requires("publications:write")]
JoinOnce = Annotated[
    bool, Query(description="A customer who already has a code of the campaign gets that one again, not another.")
]


@router.post("", response_model=PublicationRead)
async def create_publication(db: Db, caller: Writer, body: PublicationCreate, join_once: JoinOnce = False) -> Response:
    """Give a customer a certain code, or codes of a campaign.

    Every code has one holder. AUTO_UPDATE campaigns make new codes when none are left. The code of a STANDALONE
    campaign is public: it can be published to any number of customers and is held by nobody.
    """
    return answered(await service.publish(db, caller, body, join_once=join_once))


@router.get("", response_model=PublicationList)
async def list_publications(
    db: Db, caller: Reader, query: Annotated[PublicationQuery, Depends(PublicationQuery.parse)]
) -> Response:
    """List publications, newest first; those that failed say why. `campaign` is a name or id, `customer` your own id
    or ours, `voucher` a code or id."""
    entries, total = await service.search(db, caller, query)
    return answered({"object": "list", "data_ref": "publications", "publications": entries, "total": total})
