"""What points buy: rewards, in which loyalty program at which price, and what is given for milestones."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
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


class Milestone(ProjectRow, Timestamps):
    """What customers get when a figure of theirs reaches `threshold`; with `repeats` each time it is reached again, at
    twice as much and so on. `reward_ids` are what there is: a single reward is given, of several one is chosen.

    `metric` says which figure; `campaign_id` narrows points and referrals to one program. A deleted milestone stays for
    its crossings.
    """

    __tablename__ = "milestones"
    __table_args__ = (
        Index(
            "milestones_live_idx", "project_id", "metric", "id", postgresql_where=text("active AND deleted_at IS NULL")
        ),
        CheckConstraint("threshold > 0", "is_ahead"),
    )

    name: Mapped[str]
    metric: Mapped[str]
    threshold: Mapped[int]
    repeats: Mapped[bool] = mapped_column(default=False)
    campaign_id: Mapped[Id | None]
    reward_ids: Mapped[list[Any]]
    active: Mapped[bool] = mapped_column(default=True)
    milestone_metadata: Mapped[Json] = mapped_column("metadata", default=dict)
    deleted_at: Mapped[datetime | None]


class MilestoneCrossing(ProjectRow):
    """A customer reached a milestone for the `number`th time: once, whatever becomes of the figure later.

    `status` is GIVEN, DUE as long as the customer has not chosen, or FAILED with the `problem` that was in the way;
    `reward_id` is what was given, and `given` what that was.
    """

    __tablename__ = "milestone_crossings"
    __table_args__ = (
        UniqueConstraint("project_id", "milestone_id", "customer_id", "number", name="milestone_crossings_once_key"),
        Index(None, "project_id", "milestone_id", "id"),
        Index(None, "project_id", "customer_id", "id"),
    )

    milestone_id: Mapped[Id]
    customer_id: Mapped[Id]
    number: Mapped[int]
    status: Mapped[str]
    problem: Mapped[str | None]
    reward_id: Mapped[Id | None]
    given: Mapped[Json] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
