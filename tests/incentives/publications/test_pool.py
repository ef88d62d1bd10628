"""How codes are found that can be given."""

from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from app.incentives.publications.repository import PoolRepository
from app.kit import clock
from app.kit.db import Database
from app.models import Voucher
from tests.factories.access import ProjectKeys
from tests.factories.pools import give_pool

MANY_CODES = text(
    """
    INSERT INTO vouchers (project_id, id, campaign_id, code, normal_code, type, active, publish_count, created_at)
    SELECT :project, 'v_' || lpad(i::text, 6, '0'), :campaign, 'C' || i, 'C' || i, 'DISCOUNT_VOUCHER', true, 0, now()
    FROM generate_series(1, 5000) AS i
    """
)


async def test_published_codes_are_not_read_on_the_way_to_one_that_can_be_given(
    db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    async with db.write() as session:
        await session.execute(MANY_CODES, {"project": project.id, "campaign": campaign.id})
        await session.execute(text("ANALYZE vouchers"))  # from now on the statistics say that all can be given
    async with db.write() as session:
        pool = PoolRepository(session, project.id)
        await pool.take(campaign.id, "cust_1", 4900, now=clock.now(), expires_at=None)

    async with db.write() as session:
        pool = PoolRepository(session, project.id)
        picked = pool.available(campaign.id, clock.now()).limit(1).with_for_update(skip_locked=True, of=Voucher)
        literal = picked.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
        plan = (await session.scalars(text(f"EXPLAIN {str(literal).replace(':', chr(92) + ':')}"))).all()
        (given,) = await pool.take(campaign.id, "cust_1", 1, now=clock.now(), expires_at=None)

    assert "vouchers_pool_idx" in "\n".join(plan)
    assert given.id == "v_004901"
