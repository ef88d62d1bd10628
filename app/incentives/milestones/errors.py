"""What can go wrong with milestones."""

from app.kit.errors import AppError, NotFound


class MilestoneNotFound(NotFound):
    """404: the project has no such milestone."""

    def __init__(self, milestone_id: str) -> None:
        super().__init__("milestone", milestone_id)


class CrossingNotFound(NotFound):
    """404: nobody reached this milestone under this id."""

    def __init__(self, crossing_id: str) -> None:
        super().__init__("milestone_crossing", crossing_id)


class CrossingSettled(AppError):
    """400: the reward was given already."""

    key = "invalid_milestone_state"
    message = "Invalid milestone state"

    def __init__(self, crossing_id: str) -> None:
        super().__init__("The reward was given already.", resource_id=crossing_id, resource_type="milestone_crossing")
