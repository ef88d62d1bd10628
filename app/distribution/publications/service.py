"""Use cases of publications, one transaction each."""

from app.access.callers import Caller
from app.distribution.publications import publishing
from app.distribution.publications.errors import Unpublishable
from app.distribution.publications.rendering import read_publication
from app.distribution.publications.schemas import PublicationCreate, PublicationRead
from app.kit import clock
from app.kit.db import Database


async def publish(db: Database, caller: Caller, body: PublicationCreate, *, join_once: bool) -> PublicationRead:
    """Give codes to a customer, all that were asked for or none.

    An attempt that finds nothing to give is kept as well, in a transaction of its own, before the error leaves.

    Raises MissingVouchers, InvalidPublishParams, TooManyVouchersRequested, DuplicateSourceId, Unpublishable,
    NotFound (campaign, voucher, customer).
    """
    publishing.check_request(body)
    now = clock.now()
    try:
        async with db.write() as session:
            publication = await publishing.publish(session, caller, body, join_once=join_once, now=now)
    except Unpublishable as failure:
        async with db.write() as session:
            await publishing.fail(session, caller, body, failure, now)
        raise
    # Read after the commit: whoever waits for the same customer, campaign or public code need not wait for this.
    async with db.read() as session:
        return await read_publication(session, caller, publication)
