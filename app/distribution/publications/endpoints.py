"""Routes of publications."""

from typing import Annotated

from fastapi import Depends, Query

from app.access.authentication import requires
from app.access.callers import Caller
from app.distribution.publications import service
from app.distribution.publications.listing import PublicationQuery
from app.distribution.publications.schemas import PublicationCreate, PublicationList, PublicationRead
from app.kit.http import Db, Router

router = Router(prefix="/v1/publications", tags=["publications"])
Reader = Annotated[Caller, requires("publications:read")]
Writer = Annotated[Caller, requires("publications:write")]
JoinOnce = Annotated[
    bool, Query(description="A customer who already has a code of the campaign gets that one again, not another.")
]


@router.post("")
async def create_publication(
    db: Db, caller: Writer, body: PublicationCreate, join_once: JoinOnce = False
) -> PublicationRead:
    """Give a customer a certain code, or codes of a campaign.

    Every code has one holder. AUTO_UPDATE campaigns make new codes when none are left. The code of a STANDALONE
    campaign is public: it can be published to any number of customers and is held by nobody.
    """
    return await service.publish(db, caller, body, join_once=join_once)


@router.get("")
async def list_publications(
    db: Db, caller: Reader, query: Annotated[PublicationQuery, Depends(PublicationQuery.parse)]
) -> PublicationList:
    """List publications, newest first; those that failed say why. `campaign` is a name or id, `customer` your own id
    or ours, `voucher` a code or id."""
    entries, total = await service.search(db, caller, query)
    return PublicationList(publications=entries, total=total)
