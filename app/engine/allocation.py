"""Splitting an amount into whole parts that add up to it again."""

from collections.abc import Sequence


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Split `amount` in proportion to `weights`, by the largest remainder (Hamilton's method), ties to the earlier.

    Neither `amount` nor a weight may be negative. The parts sum to `amount`, each is the exact share rounded up or
    down, and a part never exceeds its weight unless `amount` exceeds their sum. A zero weight gets nothing; when all
    weights are zero there is nobody to give to, and all parts are zero.
    """
    total_weight = sum(weights)
    if total_weight == 0 or amount == 0:
        return [0] * len(weights)
    parts = []
    remainders = []
    for weight in weights:
        part, remainder = divmod(amount * weight, total_weight)
        parts.append(part)
        remainders.append(remainder)
    missing = amount - sum(parts)
    if missing:
        # sorted() is stable, so of two equal remainders the earlier one comes first.
        for index in sorted(range(len(parts)), key=remainders.__getitem__, reverse=True)[:missing]:
            parts[index] += 1
    return parts


def allocate_within(amount: int, weights: Sequence[int], limits: Sequence[int]) -> list[int]:
    """Split like `allocate`, but no part above its limit; what a full part cannot take goes to the others.

    The parts sum to `amount`, or to the limits of all that have a weight when `amount` is more than they can take.
    """
    parts = [0] * len(weights)
    is_open = [weight > 0 for weight in weights]
    while any(is_open):
        shares = allocate(amount, [weight if takes else 0 for weight, takes in zip(weights, is_open, strict=True)])
        full = [index for index, share in enumerate(shares) if is_open[index] and share > limits[index]]
        if not full:
            return [share if takes else part for share, takes, part in zip(shares, is_open, parts, strict=True)]
        for index in full:
            parts[index] = limits[index]
            is_open[index] = False
            amount -= limits[index]
    return parts
