"""Points in lots: what is spent first, what expires, and where reversals go."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from app.engine.postings import AccountKey, Posting
from app.kit import clock
from app.kit.db import Database
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.ledger.chains import value_faults
from app.ledger.errors import AlreadyReversed, RanOut
from app.ledger.holds import Reservation, hold, release
from app.ledger.movements import Cause, Holdings, Movement, Opening, points_account, value_account
from app.models import Account, Entry, Lot
from tests.factories.access import ProjectKeys

NOW = clock.now()
SOON, LATER, PAST = NOW + timedelta(days=10), NOW + timedelta(days=400), NOW - timedelta(days=1)


def earn(account: AccountKey, points: int, expires_at: datetime | None = None, **members: Any) -> Movement:
    cause = Cause("earning", new_id("evt"))
    return Movement(Posting(account, points), "earned", cause, NOW, expires_at=expires_at, **members)


def spend(account: AccountKey, points: int, **members: Any) -> Movement:
    members = {"cause": Cause("redemption", new_id("r")), "counterpart": "redeemed", **members}
    return Movement(Posting(account, -points, 0), effective_at=NOW, **members)


async def do(db: Database, project: ProjectKeys, *movements: Movement) -> Holdings:
    """Each movement in a transaction of its own; what the account of the last one holds then."""
    for movement in movements:
        async with db.write() as session:
            held = await apply(session, project.id, (), [movement])
    return held[movements[-1].posting.account]


async def lots_of(db: Database, project: ProjectKeys, account: AccountKey) -> dict[datetime | None, tuple[int, int]]:
    """By expiry: what was ever put into the lot, and what is left. The books must be in order, too."""
    async with db.read() as session:
        assert await value_faults(session, project.id) == []
        lots = await session.scalars(
            select(Lot).where(Lot.project_id == project.id, Lot.owner_id == account.owner_id).order_by(Lot.expires_at)
        )
        return {lot.expires_at: (lot.issued_points, lot.left_points) for lot in lots}


async def entry_of(db: Database, project: ProjectKeys, movement: Movement) -> Entry:
    async with db.read() as session:
        return (
            await session.scalars(select(Entry).where(Entry.project_id == project.id, Entry.id == movement.id))
        ).one()


async def lot_id_of(db: Database, project: ProjectKeys, account: AccountKey, expires_at: datetime | None) -> str:
    async with db.read() as session:
        return (
            await session.scalars(
                select(Lot.id).where(
                    Lot.project_id == project.id,
                    Lot.owner_id == account.owner_id,
                    Lot.expires_at.is_not_distinct_from(expires_at),
                )
            )
        ).one()


@pytest.fixture
def card() -> AccountKey:
    return points_account(new_id("v"))


async def test_points_with_one_expiry_are_one_lot_however_often_they_are_earned(
    db: Database, project: ProjectKeys, card: AccountKey
) -> None:
    held = await do(db, project, earn(card, 10, SOON), earn(card, 5, SOON), earn(card, 7), earn(card, 1))

    assert held == Holdings(23, {"earned": 23})
    assert held.issued_amount == 23
    assert await lots_of(db, project, card) == {SOON: (15, 15), None: (8, 8)}


async def test_what_expires_soonest_is_spent_first(db: Database, project: ProjectKeys, card: AccountKey) -> None:
    payment = spend(card, 12)

    held = await do(db, project, earn(card, 5), earn(card, 10, LATER), earn(card, 10, SOON), payment)

    assert held.balance == 13
    assert await lots_of(db, project, card) == {SOON: (10, 0), LATER: (10, 8), None: (5, 5)}
    moved = [[await lot_id_of(db, project, card, SOON), -10], [await lot_id_of(db, project, card, LATER), -2]]
    assert (await entry_of(db, project, payment)).lots == moved


async def test_lots_transaction_and_details_are_covered_by_the_hash(
    db: Database, project: ProjectKeys, card: AccountKey
) -> None:
    payment = spend(card, 3, details={"order": {"id": "ord_1"}, "b": 1}, transaction_id="ltx_1")
    await do(db, project, earn(card, 5, SOON), earn(card, 5), payment)

    entry = await entry_of(db, project, payment)

    def microseconds(instant: datetime) -> int:
        return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    figures = [
        entry.previous_hash.hex(), project.id, entry.id, entry.owner_id, "points", "", "", 3, "redeemed", -3, 7, 10,
        "redemption", entry.cause_id, None, None, None, None, microseconds(entry.effective_at),
        microseconds(entry.recorded_at), "ltx_1", None, entry.lots, {"b": 1, "order": {"id": "ord_1"}},
    ]  # fmt: skip
    assert hashlib.sha256(json.dumps(figures).encode()).digest() == entry.hash


async def test_expired_points_cannot_be_spent_though_nobody_has_entered_their_expiry(
    db: Database, project: ProjectKeys, card: AccountKey
) -> None:
    held = await do(db, project, earn(card, 100, PAST), earn(card, 10, SOON))

    assert held == Holdings(10, {"earned": 110, "expired": -100})
    with pytest.raises(RanOut):
        await do(db, project, spend(card, 11))
    assert (await do(db, project, spend(card, 10))).balance == 0
    assert await lots_of(db, project, card) == {PAST: (100, 100), SOON: (10, 0)}


async def test_an_expiry_takes_exactly_from_its_lot(db: Database, project: ProjectKeys, card: AccountKey) -> None:
    await do(db, project, earn(card, 100, PAST), earn(card, 10))
    lot_id = await lot_id_of(db, project, card, PAST)
    expiry = spend(card, 100, counterpart="expired", cause=Cause("expiry", lot_id), lot_id=lot_id)

    held = await do(db, project, expiry)

    assert held == Holdings(10, {"earned": 110, "expired": -100})
    assert await lots_of(db, project, card) == {PAST: (100, 0), None: (10, 10)}


@pytest.mark.parametrize("lot", ["with less", "of another card"])
async def test_no_more_expires_than_the_lot_of_this_card_has(
    db: Database, project: ProjectKeys, card: AccountKey, lot: str
) -> None:
    owner = card if lot == "with less" else points_account(new_id("v"))
    await do(db, project, earn(owner, 5, PAST))
    await do(db, project, earn(card, 100, LATER))
    lot_id = await lot_id_of(db, project, owner, PAST)

    with pytest.raises(RanOut):
        await do(db, project, spend(card, 6, counterpart="expired", lot_id=lot_id))


async def test_a_part_of_a_payment_is_given_back_to_what_expires_latest_of_what_it_took(
    db: Database, project: ProjectKeys, card: AccountKey
) -> None:
    payment = spend(card, 15)
    await do(db, project, earn(card, 10, SOON), earn(card, 10, LATER), earn(card, 10), payment)

    def back(points: int) -> Movement:
        cause = Cause("refund", new_id("ref"))
        return Movement(Posting(card, points), "redeemed", cause, NOW, returns_to=payment.id)

    await do(db, project, back(3))
    assert await lots_of(db, project, card) == {SOON: (10, 0), LATER: (10, 8), None: (10, 10)}
    await do(db, project, back(4))
    assert await lots_of(db, project, card) == {SOON: (10, 2), LATER: (10, 10), None: (10, 10)}
    held = await do(db, project, back(8))
    assert await lots_of(db, project, card) == {SOON: (10, 10), LATER: (10, 10), None: (10, 10)}
    assert held.totals == {"earned": 30, "redeemed": 0}
    with pytest.raises(AlreadyReversed) as refused:
        await do(db, project, back(1))
    assert refused.value.entry_id == payment.id


async def test_what_was_earned_is_taken_back_from_its_lot_then_from_what_expires_soonest(
    db: Database, project: ProjectKeys, card: AccountKey
) -> None:
    earning = earn(card, 10, LATER)
    await do(db, project, earn(card, 4, SOON), earning, earn(card, 6), spend(card, 8))
    cause = Cause("earning_reversal", "ord_1")

    held = await do(db, project, spend(card, 10, counterpart="earned", cause=cause, takes_back=earning.id))

    assert held.balance == 2
    assert await lots_of(db, project, card) == {SOON: (4, 0), LATER: (10, 0), None: (6, 2)}


async def test_no_more_is_taken_back_than_was_earned(db: Database, project: ProjectKeys, card: AccountKey) -> None:
    earning = earn(card, 10, SOON)
    await do(db, project, earning, earn(card, 100))

    def reversal(points: int, entry_id: str = earning.id) -> Movement:
        cause = Cause("earning_reversal", new_id("ref"))
        return spend(card, points, counterpart="earned", cause=cause, takes_back=entry_id)

    await do(db, project, reversal(6))
    with pytest.raises(AlreadyReversed):
        await do(db, project, reversal(5))
    with pytest.raises(AlreadyReversed):
        await do(db, project, reversal(1, "vtx_unknown"))
    await do(db, project, reversal(4))
    assert await lots_of(db, project, card) == {SOON: (10, 0), None: (100, 100)}


async def test_reversals_are_bounded_in_accounts_without_lots_too(db: Database, project: ProjectKeys) -> None:
    stock = AccountKey(new_id("rew"), "stock")
    taken = spend(stock, 2, cause=Cause("reward", "r_1"))
    given = Movement(Posting(stock, 5), "issued", Cause("stock_change", "1"), NOW)
    await do(db, project, given, taken)
    back = [
        Movement(Posting(stock, 1), "redeemed", Cause("rollback", f"r_{n}"), NOW, returns_to=taken.id) for n in range(3)
    ]

    assert (await do(db, project, *back[:2])).balance == 5
    with pytest.raises(AlreadyReversed):
        await do(db, project, back[2])


async def test_a_transfer_is_two_legs_of_one_transaction(db: Database, project: ProjectKeys, card: AccountKey) -> None:
    other, transaction = points_account(new_id("v")), new_id("ltx")
    await do(db, project, earn(card, 10))
    legs = [
        Movement(
            Posting(account, points, 0),
            "transferred",
            Cause("transfer", transaction),
            NOW,
            transaction_id=transaction,
            expires_at=SOON if points > 0 else None,
        )
        for account, points in ((card, -7), (other, 7))
    ]

    async with db.write() as session:
        held = await apply(session, project.id, (), legs)

    assert {account: each.balance for account, each in held.items()} == {card: 3, other: 7}
    assert await lots_of(db, project, other) == {SOON: (7, 7)}


async def test_a_transfer_with_one_leg_is_a_fault(db: Database, project: ProjectKeys, card: AccountKey) -> None:
    leg = Movement(Posting(card, 7), "transferred", Cause("transfer", "1"), NOW, transaction_id="ltx_1")
    await do(db, project, leg)

    async with db.read() as session:
        (fault,) = await value_faults(session, project.id)

    assert (fault.account, fault.entry_id) == (card, leg.id)
    assert fault.problem == "what transaction ltx_1 moves between accounts adds up to 7"


async def test_a_card_made_with_points_has_them_in_a_lot(db: Database, project: ProjectKeys, card: AccountKey) -> None:
    held = await do(db, project, earn(card, 5, opening=Opening(50, NOW)))

    assert held == Holdings(55, {"issued": 50, "earned": 5})
    assert await lots_of(db, project, card) == {None: (55, 55)}


async def reserve(db: Database, project: ProjectKeys, card: AccountKey, points: int, key: str) -> None:
    async with db.connection() as connection:
        version = await connection.fetchval("SELECT configuration_version FROM projects WHERE id = $1", project.id)
        reservations = [Reservation(card.owner_id, Posting(card, -points, 0))]
        await hold(connection, project.id, version, key, timedelta(hours=1), reservations, actor="api_key:k")


async def test_expired_points_cannot_be_held(db: Database, project: ProjectKeys, card: AccountKey) -> None:
    await do(db, project, earn(card, 100, PAST), earn(card, 10))

    with pytest.raises(RanOut):
        await reserve(db, project, card, 11, "ada")
    await reserve(db, project, card, 10, "ada")
    with pytest.raises(RanOut):
        await do(db, project, spend(card, 1))


async def test_what_a_session_holds_does_not_expire_under_it(
    db: Database, project: ProjectKeys, card: AccountKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    await do(db, project, earn(card, 100, SOON))
    await reserve(db, project, card, 40, "ada")
    lot_id = await lot_id_of(db, project, card, SOON)
    monkeypatch.setattr(clock, "now", lambda: SOON + timedelta(minutes=1))

    def expiry(points: int, cause: str) -> Movement:
        return spend(card, points, counterpart="expired", cause=Cause("expiry", cause), lot_id=lot_id)

    with pytest.raises(RanOut):
        await do(db, project, expiry(61, "1"))
    await do(db, project, expiry(60, "1"))
    with pytest.raises(RanOut):
        await do(db, project, spend(card, 1))

    async def redeem(*parts: int) -> Holdings:
        async with db.write() as session:
            await release(session, project.id, "ada")
            for part in parts:
                held = await apply(session, project.id, (), [spend(card, part)])
        return held[card]

    with pytest.raises(RanOut):
        await redeem(41)
    with pytest.raises(RanOut):
        await redeem(15, 15, 11)
    held = await redeem(15, 15, 10)

    assert held == Holdings(0, {"earned": 100, "expired": -60, "redeemed": -40})
    assert await lots_of(db, project, card) == {SOON: (100, 0)}


async def test_what_a_session_gave_back_expires(
    db: Database, project: ProjectKeys, card: AccountKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    await do(db, project, earn(card, 100, SOON))
    await reserve(db, project, card, 40, "ada")
    monkeypatch.setattr(clock, "now", lambda: SOON + timedelta(minutes=1))
    async with db.write() as session:
        await release(session, project.id, "ada")

    with pytest.raises(RanOut):
        await do(db, project, spend(card, 1))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("left_points = 9", "the account holds 10, but its lots have 9 left"),
        ("issued_points = 11", "has 10 left of 11, but its entries make it 10 of 10"),
    ],
)
async def test_a_lot_changed_by_hand_is_found(
    db: Database, project: ProjectKeys, card: AccountKey, change: str, problem: str
) -> None:
    await do(db, project, earn(card, 10, SOON))
    async with db.write() as session:
        await session.execute(text(f"UPDATE lots SET {change} WHERE project_id = :project"), {"project": project.id})

    async with db.read() as session:
        faults = await value_faults(session, project.id)

    assert any(fault.account == card and problem in fault.problem for fault in faults)


@pytest.mark.parametrize("measure", ["balance", "points", "stock", "payable", "owed"])
async def test_each_measure_of_value_is_moved_with_entries_and_never_below_zero(
    db: Database, project: ProjectKeys, measure: Any
) -> None:
    account = AccountKey(new_id("v"), measure, "currency:USD" if measure == "payable" else "")
    given = Movement(Posting(account, 5), "issued", Cause("adjustment", "1"), NOW)

    assert (await do(db, project, given, spend(account, 5))).balance == 0
    with pytest.raises(RanOut):
        await do(db, project, spend(account, 1))
    async with db.read() as session:
        rows = await session.scalars(select(Account.holds_value).where(Account.project_id == project.id))
        assert list(rows) == [True]


async def test_entries_are_recorded_in_sequence_though_the_clock_goes_back(db: Database, project: ProjectKeys) -> None:
    account = value_account(new_id("v"))
    ahead = datetime.now(UTC) + timedelta(hours=1)
    await do(db, project, Movement(Posting(account, 5), "issued", Cause("adjustment", "1"), NOW))
    async with db.write() as session:
        await session.execute(
            text("UPDATE accounts SET last_entry_at = :ahead WHERE project_id = :project"),
            {"ahead": ahead, "project": project.id},
        )

    payment = spend(account, 1)
    await do(db, project, payment)

    assert (await entry_of(db, project, payment)).recorded_at == ahead
