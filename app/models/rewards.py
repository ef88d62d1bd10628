"""What points buy: rewards, and in which loyalty program at which price."""

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.tables import Id, Json, ProjectRow, Timestamps


class Reward(ProjectRow, Timestamps):
    """Something to be had for points: a voucher or credits of a campaign (CAMPAIGN), a thing (MATERIAL), money off an
    order (COIN). `parameters` are those of the wire, by what `type` says.

    With `is_stocked` there are so many units as its account (measure `stock`) holds, without it there is no end.
    """

    __tablename__ = "rewards"

    name: Mapped[str | None]
    type: Mapped[str]
    parameters: Mapped[Json]
    is_stocked: Mapped[bool] = mapped_column(default=False)
    attributes: Mapped[Json] = mapped_column(default=dict)
    reward_metadata: Mapped[Json] = mapped_column("metadata", default=dict)


class RewardAssignment(ProjectRow, Timestamps):
    """Offers a reward to the members of a loyalty program, for `points`. How many of them a COIN takes is said at the
    checkout, so it has no price; validation rules may bind its assignment. With `auto_redeem` a member who has the
    points has the reward, too.
    """

    __tablename__ = "reward_assignments"
    __table_args__ = (
        ForeignKeyConstraint(["project_id", "reward_id"], ["rewards.project_id", "rewards.id"]),
        UniqueConstraint("project_id", "campaign_id", "reward_id"),
        Index(None, "project_id", "reward_id", "id"),
        CheckConstraint("points > 0", "has_a_price"),
    )

    reward_id: Mapped[Id]
    campaign_id: Mapped[Id]
    points: Mapped[int | None]
    auto_redeem: Mapped[bool] = mapped_column(default=False)
