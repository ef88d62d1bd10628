"""Giving codes to a customer: a step that runs inside one transaction, and everything it refuses."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.commerce.customers import profiles
from app.commerce.customers.repository import CustomerRepository
from app.commerce.customers.tracking import customer_tracking_id
from app.engine.validity import add_duration, parse_duration
from app.incentives.campaigns.errors import CampaignNotFound
from app.incentives.campaigns.repository import CampaignRepository
from app.incentives.codes.normal_form import normalise
from app.incentives.loyalties.opening import give_first_points
from app.incentives.publications import events
from app.incentives.publications.errors import (
    CampaignNotActive,
    DuplicateSourceId,
    InvalidPublishParams,
    MissingVouchers,
    NoVoucherSuitable,
    TooManyVouchersRequested,
    Unpublishable,
    VoucherAlreadyPublished,
    VoucherCannotBePublished,
    VoucherDisabled,
    VoucherExpired,
)
from app.incentives.publications.repository import PoolRepository, PublicationRepository
from app.incentives.publications.schemas import MOST_VOUCHERS, PublicationCreate
from app.incentives.vouchers.drawing import create_codes
from app.incentives.vouchers.errors import NoCodeLeft, VoucherNotFound
from app.incentives.vouchers.repository import VoucherRepository
from app.kit.db import Database
from app.kit.ids import new_id
from app.models import Campaign, Customer, Publication, Voucher


@dataclass(frozen=True, slots=True)
class Source:
    """Where the codes come from: a certain voucher, or any of the campaign."""

    campaign: Campaign | None
    voucher: Voucher | None

    @property
    def is_public(self) -> bool:
        """The one code of a STANDALONE campaign is for everybody: it can be given to many and is held by nobody."""
        return self.campaign is not None and self.campaign.type == "STANDALONE"


def check_request(body: PublicationCreate) -> None:
    """What can be refused before anything is read.

    Raises MissingVouchers, InvalidPublishParams, TooManyVouchersRequested.
    """
    if body.voucher is None and body.campaign is None:
        raise MissingVouchers
    if body.voucher is not None and body.campaign is not None:
        raise InvalidPublishParams("Name either a voucher or a campaign, not both.")
    if body.campaign is not None and body.campaign.count > MOST_VOUCHERS:
        raise TooManyVouchersRequested(f"One publication gives at most {MOST_VOUCHERS} vouchers.")
    if body.campaign is not None and body.campaign.count > 1 and body.source_id is not None:
        raise TooManyVouchersRequested("With a source_id, one publication gives one voucher.")


async def publish(
    session: AsyncSession, caller: Caller, body: PublicationCreate, *, join_once: bool, now: datetime
) -> Publication:
    """Give the customer what `body` asks for, all or nothing; the same `source_id` again gives the same publication.

    With `join_once` a customer who has a code of the campaign gets that one again.

    Locks, in this order: the `source_id`; the customer's row if it changes; campaign and customer where one code is all
    a customer gets; the vouchers. Codes of a pool are never waited for.

    Raises DuplicateSourceId, NotFound (campaign, voucher, customer), TooManyVouchersRequested, Unpublishable.
    """
    earlier = await _earlier(session, caller, body)
    if earlier is not None:
        return earlier
    source = await _source(session, caller, body)
    customer = await profiles.upsert(session, caller, body.customer, now)
    joined = await _joined(session, caller, source, customer, join_once=join_once)
    if joined is not None:
        return joined
    vouchers = await _give(session, caller, source, customer, _count(body), now)
    publication = publication_of(caller, body, customer, source.campaign, vouchers, now)
    session.add(publication)
    events.published(session, caller, publication, source.campaign, vouchers)
    if source.campaign is not None:
        await give_first_points(session, caller, source.campaign, vouchers, now)
    return publication


async def publish_or_note(
    db: Database, caller: Caller, body: PublicationCreate, *, join_once: bool, now: datetime
) -> Publication:
    """The same in a transaction of its own. An attempt that finds nothing to give is kept as well, in another one,
    before the error leaves.

    Raises what `check_request` and `publish` raise, and MetadataValidationFailed.
    """
    check_request(body)
    caller.project.check_metadata("publication", body.metadata or None)
    try:
        async with db.write() as session:
            return await publish(session, caller, body, join_once=join_once, now=now)
    except Unpublishable as failure:
        async with db.write() as session:
            await fail(session, caller, body, failure, now)
        raise


async def fail(
    session: AsyncSession, caller: Caller, body: PublicationCreate, failure: Unpublishable, now: datetime
) -> None:
    """Keep an attempt that gave nothing."""
    source = await _source(session, caller, body)
    customer = await profiles.upsert(session, caller, body.customer, now)
    publication = publication_of(caller, body, customer, source.campaign, [], now)
    publication.result = "FAILURE"
    publication.failure_code = failure.key
    publication.failure_message = failure.details
    session.add(publication)


def publication_of(
    caller: Caller,
    body: PublicationCreate,
    customer: Customer,
    campaign: Campaign | None,
    vouchers: list[Voucher],
    now: datetime,
) -> Publication:
    return Publication(
        project_id=caller.project_id,
        id=new_id("pub"),
        customer_id=customer.id,
        campaign_id=campaign.id if campaign else None,
        source_id=body.source_id,
        tracking_id=customer_tracking_id(caller.project, customer.source_id) if customer.source_id else None,
        channel=body.channel,
        voucher_ids=[voucher.id for voucher in vouchers],
        voucher_codes=[voucher.code for voucher in vouchers],
        publication_metadata=body.metadata,
        result="SUCCESS",
        failure_code=None,
        failure_message=None,
        created_at=now,
    )


def _count(body: PublicationCreate) -> int:
    return body.campaign.count if body.campaign is not None else 1


async def _earlier(session: AsyncSession, caller: Caller, body: PublicationCreate) -> Publication | None:
    """The publication this request repeats. Raises DuplicateSourceId when it asks for something else."""
    if body.source_id is None:
        return None
    publications = PublicationRepository(session, caller.project_id)
    await publications.wait_for_source(body.source_id)
    earlier = await publications.find_by_source(body.source_id)
    if earlier is not None and not (
        await _is_same_customer(session, caller, body, earlier)
        and await _is_same_source(session, caller, body, earlier)
    ):
        raise DuplicateSourceId(body.source_id, earlier.id)
    return earlier


async def _is_same_customer(
    session: AsyncSession, caller: Caller, body: PublicationCreate, earlier: Publication
) -> bool:
    """Whether the request names the customer of the earlier publication; without an id it cannot name another."""
    if body.customer.id is None and body.customer.source_id is None:
        return True
    customers = CustomerRepository(session, caller.project_id)
    customer = await customers.find_mentioned(body.customer.id, body.customer.source_id)
    return customer is not None and customer.id == earlier.customer_id


async def _is_same_source(session: AsyncSession, caller: Caller, body: PublicationCreate, earlier: Publication) -> bool:
    if body.voucher is not None:
        sensitive = caller.project.case_sensitive_codes
        codes = {normalise(code, sensitive) for code in earlier.voucher_codes}
        return normalise(body.voucher, sensitive) in codes or body.voucher in earlier.voucher_ids
    assert body.campaign is not None
    campaign = await CampaignRepository(session, caller.project_id).find_by_name(body.campaign.name)
    return campaign is not None and campaign.id == earlier.campaign_id


async def _source(session: AsyncSession, caller: Caller, body: PublicationCreate) -> Source:
    """Raises CampaignNotFound, VoucherNotFound."""
    if body.campaign is not None:
        campaign = await CampaignRepository(session, caller.project_id).find_by_name(body.campaign.name)
        if campaign is None:
            raise CampaignNotFound(body.campaign.name)
        return Source(campaign, None)
    assert body.voucher is not None  # check_request lets nothing else through
    vouchers = VoucherRepository(session, caller.project_id, case_sensitive=caller.project.case_sensitive_codes)
    found = await vouchers.find_by_code(body.voucher)
    if found is None:
        raise VoucherNotFound(body.voucher)
    voucher, campaign = found
    return Source(campaign, voucher)


async def _joined(
    session: AsyncSession, caller: Caller, source: Source, customer: Customer, *, join_once: bool
) -> Publication | None:
    """What the customer got before, where one code is all a customer gets.

    Raises VoucherCannotBePublished when that is the campaign's rule and the request did not ask for the earlier code.
    """
    campaign = source.campaign
    if source.is_public or not (join_once or (campaign is not None and campaign.join_once)):
        return None
    publications = PublicationRepository(session, caller.project_id)
    if campaign is None:
        held = source.voucher
    else:
        await publications.wait_for_joining(campaign.id, customer.id)
        held = await PoolRepository(session, caller.project_id).find_held(campaign.id, customer.id)
    if held is None:
        return None
    if not join_once and campaign is not None:
        raise VoucherCannotBePublished(campaign.name)
    return await publications.find_giving(held.id, customer.id)


async def _give(
    session: AsyncSession, caller: Caller, source: Source, customer: Customer, count: int, now: datetime
) -> list[Voucher]:
    """Raises TooManyVouchersRequested, Unpublishable."""
    campaign = source.campaign
    if count > 1 and (source.is_public or (campaign is not None and campaign.join_once)):
        raise TooManyVouchersRequested("A customer gets one code of this campaign.")
    if campaign is not None and not campaign.active:
        raise CampaignNotActive(campaign.name)
    if source.voucher is not None:
        return [await _give_one(session, caller, source.voucher, source, customer, now)]
    assert campaign is not None
    if campaign.expiration_date is not None and campaign.expiration_date <= now:
        raise NoVoucherSuitable(f"The campaign {campaign.name} has ended.")
    if source.is_public:
        voucher = await PoolRepository(session, caller.project_id).find_public(campaign.id)
        if voucher is None:
            raise NoVoucherSuitable(f"The campaign {campaign.name} has no code.")
        return [await _give_one(session, caller, voucher, source, customer, now)]
    return await _give_any(session, caller, campaign, customer, count, now)


async def _give_one(
    session: AsyncSession, caller: Caller, voucher: Voucher, source: Source, customer: Customer, now: datetime
) -> Voucher:
    if not voucher.active:
        raise VoucherDisabled(voucher.code)
    if voucher.expiration_date is not None and voucher.expiration_date <= now:
        raise VoucherExpired(voucher.code)
    given = await PoolRepository(session, caller.project_id).give(
        voucher.id,
        None if source.is_public else customer.id,
        now=now,
        expires_at=None if source.is_public else expires_at(caller, source.campaign, now),
    )
    if given is None:
        raise VoucherAlreadyPublished(voucher.code)
    return given


async def _give_any(
    session: AsyncSession, caller: Caller, campaign: Campaign, customer: Customer, count: int, now: datetime
) -> list[Voucher]:
    """Codes of the pool; what an AUTO_UPDATE campaign lacks is made on the spot."""
    pool = PoolRepository(session, caller.project_id)
    ends_at = expires_at(caller, campaign, now)
    vouchers = list(await pool.take(campaign.id, customer.id, count, now=now, expires_at=ends_at))
    if len(vouchers) < count and campaign.type == "AUTO_UPDATE":
        vouchers += await _make(session, caller, campaign, customer, count - len(vouchers), now, ends_at)
    if len(vouchers) < count:
        raise NoVoucherSuitable(
            f"The campaign {campaign.name} has {len(vouchers)} of {count} codes left that could be published."
            if vouchers
            else f"The campaign {campaign.name} has no code left that could be published."
        )
    return vouchers


async def _make(
    session: AsyncSession,
    caller: Caller,
    campaign: Campaign,
    customer: Customer,
    count: int,
    now: datetime,
    ends_at: datetime | None,
) -> list[Voucher]:
    """New codes of the campaign that belong to the customer from the start.

    Raises NoVoucherSuitable when no code of the campaign's shape is free.
    """
    try:
        made = await create_codes(session, caller.project, campaign, count)
    except NoCodeLeft as problem:
        raise NoVoucherSuitable(problem.details) from problem
    pool = PoolRepository(session, caller.project_id)
    return list(await pool.give_all([voucher.id for voucher in made], customer.id, now=now, expires_at=ends_at))


def expires_at(caller: Caller, campaign: Campaign | None, now: datetime) -> datetime | None:
    """When a code given now ends, where the campaign counts from the publication; it then outlives the campaign."""
    if campaign is None or campaign.activity_duration_after_publishing is None:
        return None
    return add_duration(now, parse_duration(campaign.activity_duration_after_publishing), caller.project.zone)
