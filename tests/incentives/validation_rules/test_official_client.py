"""The official client drives validation rules; it parses every answer with its own strict models."""

import pytest
from voucherify import ApiClient, ApiException, ValidationRulesApi
from voucherify.models import (
    ParameterOrderListValidationRules,
    ValidationRulesAssignmentsCreateRequestBody,
    ValidationRulesCreateRequestBody,
    ValidationRulesUpdateRequestBody,
)

from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.pools import give_pool
from tests.factories.rules import ORDER_OVER_50

DEFINITION = {
    "name": "Over fifty",
    "rules": ORDER_OVER_50,
    "error": {"message": "A little more, please."},
    "applicable_to": {
        "included": [{"object": "product", "id": "prod_1", "effect": "APPLY_TO_EVERY"}],
        "excluded": [],
        "included_all": False,
    },
}


async def test_the_official_client_creates_changes_and_deletes_a_rule(voucherify_client: ApiClient) -> None:
    rules = ValidationRulesApi(voucherify_client)

    created = rules.create_validation_rules(ValidationRulesCreateRequestBody.from_dict(DEFINITION))
    changed = rules.update_validation_rule(created.id, ValidationRulesUpdateRequestBody(name="Over fifty, really"))
    found = rules.get_validation_rule(created.id)
    listed = rules.list_validation_rules(limit=5, order=ParameterOrderListValidationRules.MINUS_NAME)
    rules.delete_validation_rules(created.id)

    assert created.rules == ORDER_OVER_50
    assert created.applicable_to.included[0].id == "prod_1"
    assert changed.name == found.name == "Over fifty, really"
    assert found.error.message == "A little more, please."
    assert [rule.id for rule in listed.data] == [created.id]
    with pytest.raises(ApiException) as refused:
        rules.get_validation_rule(created.id)
    assert refused.value.status == 404


async def test_the_official_client_assigns_a_rule(
    voucherify_client: ApiClient, db: Database, project: ProjectKeys
) -> None:
    rules = ValidationRulesApi(voucherify_client)
    campaign = await give_pool(db, project)
    rule = rules.create_validation_rules(ValidationRulesCreateRequestBody.from_dict(DEFINITION))
    body = ValidationRulesAssignmentsCreateRequestBody(related_object_type="campaign", related_object_id=campaign.id)

    assignment = rules.create_validation_rule_assignment(rule.id, validation_rules_assignments_create_request_body=body)
    replaced = rules.create_validation_rule_assignment(
        rule.id, force=True, validation_rules_assignments_create_request_body=body
    )
    of_rule = rules.list_validation_rule_assignments(rule.id)
    of_campaign = rules.list_validation_rules_assignments(related_object_id=campaign.id)
    rules.delete_validation_rule_assignment(rule.id, replaced.id)

    assert assignment.related_object_id == campaign.id
    assert replaced.id != assignment.id
    assert [entry.id for entry in of_rule.data] == [entry.id for entry in of_campaign.data] == [replaced.id]
    assert rules.list_validation_rule_assignments(rule.id).total == 0


async def test_the_official_client_is_told_what_is_wrong_with_a_rule(voucherify_client: ApiClient) -> None:
    rules = ValidationRulesApi(voucherify_client)
    body = {"rules": {"1": {"name": "order.colour", "conditions": {"$is": ["red"]}, "rules": {}}, "logic": "1"}}

    with pytest.raises(ApiException) as refused:
        rules.create_validation_rules(ValidationRulesCreateRequestBody.from_dict(body))

    assert refused.value.status == 400
    assert "rules.1.name" in str(refused.value.body)
