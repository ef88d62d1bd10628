"""Routes of earning rules."""

from typing import Annotated

from fastapi import Body, Depends, Path, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.earning_rules import service
from app.incentives.earning_rules.schemas import (
    MOST_RULES,
    EarningRuleCreate,
    EarningRuleList,
    EarningRuleQuery,
    EarningRuleRead,
    EarningRuleUpdate,
)
from app.kit.http import Db, Router, answered

router = Router(prefix="/v1/loyalties/{campaignId}/earning-rules", tags=["earning rules"])
Reader = Annotated[Caller, requires("loyalties:read")]
Writer = Annotated[Caller, requires("loyalties:write")]
CampaignId = Annotated[str, Path(alias="campaignId", description="Id or name of a loyalty program.")]
RuleId = Annotated[str, Path(alias="earningRuleId")]
Rules = Annotated[list[EarningRuleCreate], Body(min_length=1, max_length=MOST_RULES)]


@router.get("", response_model=EarningRuleList)
async def list_earning_rules(
    db: Db, caller: Reader, campaign_id: CampaignId, query: Annotated[EarningRuleQuery, Depends(EarningRuleQuery.parse)]
) -> Response:
    """List what earns points in a loyalty program, newest first."""
    return answered(await service.search(db, caller, campaign_id, query))


@router.post("", response_model=list[EarningRuleRead])
async def create_earning_rules(db: Db, caller: Writer, campaign_id: CampaignId, body: Rules) -> Response:
    """Add rules that earn points to a loyalty program, all of them or none.

    Points go to the card that the customer has in the program; with `auto_join` one is issued to those who have none.
    What was paid with gift cards or points and what was given free earns nothing. An order or event earns once by each
    rule; what an order has earned is taken back when it is canceled or refunded. A project can have 100 rules.
    """
    return answered(await service.create(db, caller, campaign_id, body))


@router.get("/{earningRuleId}", response_model=EarningRuleRead)
async def get_earning_rule(db: Db, caller: Reader, campaign_id: CampaignId, rule_id: RuleId) -> Response:
    """Get an earning rule."""
    return answered(await service.get(db, caller, campaign_id, rule_id))


@router.put("/{earningRuleId}", response_model=EarningRuleRead)
async def update_earning_rule(
    db: Db, caller: Writer, campaign_id: CampaignId, rule_id: RuleId, body: EarningRuleUpdate
) -> Response:
    """Change an earning rule. What is left out stays, null clears, metadata is merged key by key; the event it waits
    for cannot change. Points that were earned stay."""
    return answered(await service.update(db, caller, campaign_id, rule_id, body))


@router.delete("/{earningRuleId}", status_code=204)
async def delete_earning_rule(db: Db, caller: Writer, campaign_id: CampaignId, rule_id: RuleId) -> None:
    """Delete an earning rule. Points that were earned stay."""
    await service.delete(db, caller, campaign_id, rule_id)


@router.post("/{earningRuleId}/enable", response_model=EarningRuleRead)
async def enable_earning_rule(db: Db, caller: Writer, campaign_id: CampaignId, rule_id: RuleId) -> Response:
    """Let the rule earn points."""
    return answered(await service.switch(db, caller, campaign_id, rule_id, active=True))


@router.post("/{earningRuleId}/disable", response_model=EarningRuleRead)
async def disable_earning_rule(db: Db, caller: Writer, campaign_id: CampaignId, rule_id: RuleId) -> Response:
    """Let the rule earn nothing from now on."""
    return answered(await service.switch(db, caller, campaign_id, rule_id, active=False))
