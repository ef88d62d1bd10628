"""Holds beside a model of them: whatever happens, nothing is promised or used twice."""

from dataclasses import dataclass, field

from httpx import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.kit.db import Database
from app.ledger.doctor import examine
from app.ledger.holds import clear_expired
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, roll_back, try_to_redeem, validate
from tests.factories.gifts import give_card, paid_with
from tests.factories.pools import give_voucher

SESSIONS = st.sampled_from(["ada", "ben", "eve"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["hold", "redeem", "release", "expire"]), SESSIONS, st.integers(1, 4)),
        st.tuples(st.just("redeem"), st.none(), st.integers(1, 4)),
        st.tuples(st.sampled_from(["roll back", "clear"]), st.none(), st.just(1)),
    ),
    min_size=1,
    max_size=14,
)
EXAMPLES = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass
class Model:
    """So much there is, so much of it is used by whom, and so much do live sessions hold."""

    there: int
    used: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)

    def is_free(self, amount: int, session: str | None) -> bool:
        others = sum(held for name, held in self.held.items() if name != session)
        return sum(self.used.values()) + others + amount <= self.there


@dataclass
class Shop:
    """A code with some uses, or a card with some cents, over HTTP."""

    client: AsyncClient
    db: Database
    project: ProjectKeys
    code: str
    is_card: bool

    def body(self, session: str | None, amount: int) -> dict[str, object]:
        members = {} if session is None else {"session": {"key": session}}
        return paid_with(self.code, amount, **members) if self.is_card else cart(self.code, **members)

    async def do(self, step: str, session: str | None, amount: int, model: Model) -> None:
        """One step, in the shop and in the model."""
        if step == "hold":
            answer = await validate(self.client, self.project, self.body(session, amount))
            assert answer["valid"] == model.is_free(amount, session)
            if answer["valid"]:
                model.held[str(session)] = amount
        elif step == "redeem":
            response = await try_to_redeem(self.client, self.project, self.body(session, amount))
            assert (response.status_code == 200) == model.is_free(amount, session), response.text
            if response.status_code == 200:
                model.used[response.json()["redemptions"][0]["id"]] = amount
                model.held.pop(str(session), None)
        elif step == "roll back" and model.used:
            redemption_id = next(iter(model.used))
            assert (await roll_back(self.client, self.project, redemption_id)).status_code == 200
            del model.used[redemption_id]
        elif step == "release":
            path = f"/v1/vouchers/{self.code}/sessions/{session}"
            assert (await self.client.delete(path, headers=self.project.server)).status_code == 204
            model.held.pop(str(session), None)
        elif step == "expire":
            await self.expire(str(session))
            model.held.pop(str(session), None)
        elif step == "clear":
            async with self.db.write() as rows:
                await clear_expired(rows, self.project.id, at_most=10)

    async def expire(self, session: str) -> None:
        async with self.db.write() as rows:
            await rows.execute(
                text("UPDATE holds SET expires_at = now() WHERE project_id = :id AND session_key = :key"),
                {"id": self.project.id, "key": session},
            )

    async def is_sound(self) -> bool:
        return not await examine(self.db, self.project.public_id)


@given(there=st.integers(1, 4), steps=STEPS)
@EXAMPLES
async def test_uses_are_never_oversold(
    client: AsyncClient, db: Database, there: int, steps: list[tuple[str, str | None, int]]
) -> None:
    project = await give_project(db)
    code = (await give_voucher(db, project, redemption_quantity=there)).code
    shop, model = Shop(client, db, project, code, is_card=False), Model(there)

    for step, session, _ in steps:
        await shop.do(step, session, 1, model)

    assert await shop.is_sound()


@given(there=st.integers(1, 8), steps=STEPS)
@EXAMPLES
async def test_credits_are_never_oversold(
    client: AsyncClient, db: Database, there: int, steps: list[tuple[str, str | None, int]]
) -> None:
    project = await give_project(db)
    await give_card(client, project, "GIFT", there)
    shop, model = Shop(client, db, project, "GIFT", is_card=True), Model(there)

    for step, session, amount in steps:
        await shop.do(step, session, amount, model)

    assert await shop.is_sound()
