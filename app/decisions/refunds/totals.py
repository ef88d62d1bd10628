"""What several refunds of an order come to."""

from collections.abc import Iterable

from app.engine.returns import Returned, Span, joined
from app.models import Refund


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
