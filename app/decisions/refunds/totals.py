"""What several refunds of an order come to."""

from collections.abc import Iterable, Mapping

from app.engine.returns import Returned, Span, joined, returned_points
from app.models import Redemption, Refund


def returned_by(refunds: Iterable[Refund]) -> Returned:
    """All of the refunds as one: the units that came back, the money, and the credits by redemption."""
    spans: dict[int, list[Span]] = {}
    credits: dict[str, int] = {}
    amount = 0
    for refund in refunds:
        amount += refund.amount
        for line in refund.lines:
            spans.setdefault(line["index"], []).extend((span["first"], span["last"]) for span in line["units"])
        for given in refund.redeemables:
            credits[given["redemption_id"]] = credits.get(given["redemption_id"], 0) + given["credits"]
    return Returned({index: joined(known) for index, known in spans.items()}, amount, credits)


def given_back(redemption: Redemption, credits: Mapping[str, int]) -> int:
    """What a card has back of what it paid in this redemption, in the unit of its `amount`: minor units for gift cards,
    points for loyalty cards. `credits` are the minor units given back, by redemption."""
    amount = credits.get(redemption.id, 0)
    if redemption.reward is None:
        return amount
    return returned_points(redemption.amount or 0, redemption.discounted_amount or 0, amount)
