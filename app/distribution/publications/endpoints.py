"""Routes of publications."""

from typing import Annotated

from fastapi import Query

from app.access.authentication import requires
from app.access.callers import Caller
from app.distribution.publications import service
from app.distribution.publications.schemas import PublicationCreate, PublicationRead
from app.kit.http import Db, Router

router = Router(prefix="/v1/publications", tags=["publications"])
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
