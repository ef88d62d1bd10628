"""Choosing a reward for a milestone, on the wire."""

from typing import Annotated

from pydantic import Field

from app.kit.wire import WireIn


class ChoiceIn(WireIn):
    reward: Annotated[str, Field(min_length=1, max_length=512, description="Id of one of the milestone's rewards.")]
