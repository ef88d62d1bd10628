"""The ledger beside a plain model of it: whatever members do, balances, lots and entries say what the model says."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy import select

from app.engine.postings import Posting
from app.kit import clock
from app.kit.db import Database
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.ledger.chains import value_faults
from app.ledger.errors import AlreadyReversed, RanOut
from app.ledger.holds import Reservation, hold, release
from app.ledger.movements import Cause, Counterpart, Movement, points_account
from app.models import Account, Entry, Lot
from tests.factories.access import give_project

BEGIN = datetime(2026, 1, 1, 12, tzinfo=clock.now().tzinfo)
NEVER = 10**6
MEMBERS, POINTS = st.integers(0, 2), st.integers(1, 60)
EXPIRIES = st.sampled_from([NEVER, 2, 5, 9])
QUARTERS = st.integers(1, 5)
"""How much of an entry is reversed; five are more than it moved."""
Result = TypeVar("Result")


class Refused(Exception):
    """The model says no."""


@dataclass
class Card:
    """Points by the day on which they expire, and what its one session holds of them."""

    lots: dict[int, int] = field(default_factory=dict)
    held: int = 0

    def usable(self, day: int) -> int:
        return sum(left for expiry, left in self.lots.items() if expiry > day)

    def put(self, expiry: int, points: int) -> None:
        self.lots[expiry] = self.lots.get(expiry, 0) + points

    def take(self, points: int, day: int, *, first: int | None = None, released: int = 0) -> dict[int, int]:
        """By expiry, what is taken: of the lot to take from first, then what expires soonest, then what the session
        held that has expired. Raises Refused."""
        own = self.lots.get(first, 0) if first is not None and first <= day else 0
        expired = sum(self.lots.values()) - self.usable(day) - own
        if self.usable(day) + own + min(released, expired) - self.held < points:
            raise Refused
        taken: dict[int, int] = {}
        for expiry in sorted(self.lots, key=lambda expiry: (expiry != first, expiry <= day, expiry)):
            part = min(points, self.lots[expiry])
            if part:
                taken[expiry] = part
                self.lots[expiry] -= part
                points -= part
        return taken


@dataclass
class Done:
    """An entry that can be reversed: of which card, what it moved in which lot, and how much is not reversed yet."""

    member: int
    entry_id: str
    lots: dict[int, int]
    left: int

    def part(self, quarters: int) -> int:
        return -(-self.left * quarters // 4) or 1


class Ledger(RuleBasedStateMachine):
    """Three members of one program, and the time."""

    spent = Bundle("spent")
    earned = Bundle("earned")

    def __init__(self, url: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.db = self.run(self._open(url))
        self.project = self.run(give_project(self.db))
        self.accounts = [points_account(new_id("v")) for _ in range(3)]
        self.cards = [Card() for _ in range(3)]
        self.day = 0
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(clock, "now", lambda: BEGIN + timedelta(days=self.day))

    @staticmethod
    async def _open(url: str) -> Database:
        return Database(url, pool_size=2)

    def teardown(self) -> None:
        self.patch.undo()
        self.run(self.db.close())
        self.runner.close()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    async def post(self, *movements: Movement, releases: str | None = None) -> None:
        async with self.db.write() as session:
            if releases is not None:
                await release(session, self.project.id, releases)
            await apply(session, self.project.id, (), movements)

    def movement(self, member: int, points: int, counterpart: Counterpart, **members: Any) -> Movement:
        members.setdefault("cause", Cause("adjustment", new_id("vtx")))
        expiry = members.pop("expiry", NEVER)
        expires_at = None if expiry == NEVER else BEGIN + timedelta(days=expiry)
        return Movement(
            Posting(self.accounts[member], points, 0),
            counterpart,
            effective_at=clock.now(),
            expires_at=expires_at,
            **members,
        )

    @rule(target=earned, member=MEMBERS, points=POINTS, lasts=EXPIRIES)
    def earn(self, member: int, points: int, lasts: int) -> Done:
        expiry = lasts if lasts == NEVER else self.day + lasts
        movement = self.movement(member, points, "earned", expiry=expiry)
        self.run(self.post(movement))
        self.cards[member].put(expiry, points)
        return Done(member, movement.id, {expiry: points}, points)

    @rule(target=spent, member=MEMBERS, points=POINTS)
    def spend(self, member: int, points: int) -> Any:
        movement = self.movement(member, -points, "redeemed")
        try:
            taken = self.cards[member].take(points, self.day)
        except Refused:
            with pytest.raises(RanOut):
                self.run(self.post(movement))
            return multiple()
        self.run(self.post(movement))
        return Done(member, movement.id, taken, points)

    @rule(member=MEMBERS, points=POINTS)
    def hold(self, member: int, points: int) -> None:
        card = self.cards[member]
        if card.usable(self.day) < points:
            with pytest.raises(RanOut):
                self.run(self._hold(member, points))
            return
        self.run(self._hold(member, points))
        card.held = points

    async def _hold(self, member: int, points: int) -> None:
        account = self.accounts[member]
        async with self.db.connection() as connection:
            version = await connection.fetchval(
                "SELECT configuration_version FROM projects WHERE id = $1", self.project.id
            )
            posting = [Reservation(account.owner_id, Posting(account, -points, 0))]
            lasting = timedelta(days=1)
            await hold(connection, self.project.id, version, account.owner_id, lasting, posting, actor="api_key:k")

    @rule(target=spent, member=MEMBERS, points=POINTS)
    def redeem_session(self, member: int, points: int) -> Any:
        """The session spends: all it held is given back first."""
        card, movement = self.cards[member], self.movement(member, -points, "redeemed")
        held, card.held = card.held, 0
        try:
            taken = card.take(points, self.day, released=held)
        except Refused:
            card.held = held
            with pytest.raises(RanOut):
                self.run(self.post(movement, releases=self.accounts[member].owner_id))
            return multiple()
        self.run(self.post(movement, releases=self.accounts[member].owner_id))
        return Done(member, movement.id, taken, points)

    @rule(payer=MEMBERS, payee=MEMBERS, points=POINTS, lasts=EXPIRIES)
    def transfer(self, payer: int, payee: int, points: int, lasts: int) -> None:
        if payer == payee:
            return
        expiry = lasts if lasts == NEVER else self.day + lasts
        transaction = new_id("ltx")
        both: dict[str, Any] = {"cause": Cause("transfer", transaction), "transaction_id": transaction}
        legs = [
            self.movement(payer, -points, "transferred", **both),
            self.movement(payee, points, "transferred", expiry=expiry, **both),
        ]
        try:
            self.cards[payer].take(points, self.day)
        except Refused:
            with pytest.raises(RanOut):
                self.run(self.post(*legs))
            return
        self.run(self.post(*legs))
        self.cards[payee].put(expiry, points)

    @rule(payment=spent, quarters=QUARTERS)
    def refund(self, payment: Done, quarters: int) -> None:
        points = payment.part(quarters)
        movement = self.movement(payment.member, points, "redeemed", returns_to=payment.entry_id)
        if points > payment.left:
            with pytest.raises(AlreadyReversed):
                self.run(self.post(movement))
            return
        self.run(self.post(movement))
        payment.left -= points
        for expiry in sorted(payment.lots, reverse=True):
            part = min(points, payment.lots[expiry])
            payment.lots[expiry] -= part
            self.cards[payment.member].put(expiry, part)
            points -= part

    @rule(earning=earned, quarters=QUARTERS)
    def reverse(self, earning: Done, quarters: int) -> None:
        points = earning.part(quarters)
        movement = self.movement(earning.member, -points, "earned", takes_back=earning.entry_id)
        if points > earning.left:
            with pytest.raises(AlreadyReversed):
                self.run(self.post(movement))
            return
        try:
            self.cards[earning.member].take(points, self.day, first=next(iter(earning.lots)))
        except Refused:
            with pytest.raises(RanOut):
                self.run(self.post(movement))
            return
        self.run(self.post(movement))
        earning.left -= points

    @rule(days=st.integers(1, 4))
    def pass_time(self, days: int) -> None:
        self.day += days

    @rule(member=MEMBERS)
    def expire(self, member: int) -> None:
        """As the worker does: each lot as far as no session holds of the account."""
        card = self.cards[member]
        for expiry, lot_id in self.run(self._expired_lots(member)):
            points = min(card.lots[expiry], sum(card.lots.values()) - card.held)
            if points:
                self.run(self.post(self.movement(member, -points, "expired", lot_id=lot_id)))
                card.lots[expiry] -= points

    async def _expired_lots(self, member: int) -> list[tuple[int, str]]:
        async with self.db.read() as session:
            lots = select(Lot).where(
                Lot.project_id == self.project.id,
                Lot.owner_id == self.accounts[member].owner_id,
                Lot.has_points,
                Lot.expires_at <= clock.now(),
            )
            return [
                ((lot.expires_at - BEGIN).days, lot.id)
                for lot in await session.scalars(lots.order_by(Lot.expires_at))
                if lot.expires_at is not None
            ]

    @invariant()
    def balances_lots_and_entries_agree(self) -> None:
        self.run(self._agree())

    async def _agree(self) -> None:
        async with self.db.read() as session:
            assert await value_faults(session, self.project.id) == []
            for account, card in zip(self.accounts, self.cards, strict=True):
                row = await session.get(Account, (self.project.id, *account))
                assert (row.balance, row.held) == (sum(card.lots.values()), card.held) if row else not card.lots
                lots = await session.scalars(
                    select(Lot).where(Lot.project_id == self.project.id, Lot.owner_id == account.owner_id)
                )
                left = {
                    NEVER if lot.expires_at is None else (lot.expires_at - BEGIN).days: lot.left_points for lot in lots
                }
                assert left == card.lots
                amounts = await session.scalars(
                    select(Entry.amount).where(Entry.project_id == self.project.id, Entry.owner_id == account.owner_id)
                )
                assert sum(amounts) == sum(card.lots.values())


def test_whatever_members_do_balances_lots_and_entries_agree_with_a_plain_model(database_url: str) -> None:
    run_state_machine_as_test(
        lambda: Ledger(database_url),
        settings=settings(
            max_examples=15, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
