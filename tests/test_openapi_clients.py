"""The committed document is good enough to generate a client from, and that client to run a shop with."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.factories.access import ProjectKeys

DOCUMENT = Path(__file__).resolve().parents[1] / "openapi" / "guerdon.json"
PACKAGE = "guerdon_client"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The models of a client as openapi-python-client generates it, without formatting it."""
    folder = tmp_path_factory.mktemp("client")
    config = folder / "config.json"
    config.write_text(json.dumps({"post_hooks": [], "package_name_override": PACKAGE}))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none"),
            *("--path", DOCUMENT, "--output-path", folder / PACKAGE, "--config", config),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield importlib.import_module(f"{PACKAGE}.models")
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


class Shop:
    """The generated client with a server key; `ask("redemptions.redeem", ...)` calls that operation."""

    def __init__(self, url: str, project: ProjectKeys) -> None:
        client = importlib.import_module(f"{PACKAGE}.client")
        self.client = client.AuthenticatedClient(
            base_url=url,
            token=project.server_key.token,
            auth_header_name="X-App-Token",
            prefix="",
            headers={"X-App-Id": project.server_key.id},
        )

    def ask(self, operation: str, *path: str, **arguments: Any) -> Any:
        module = importlib.import_module(f"{PACKAGE}.api.{operation}")
        return module.sync(*path, client=self.client, **arguments)


@pytest.fixture
def shop(generated: ModuleType, live_server: str, project: ProjectKeys) -> Iterator[Shop]:
    shop = Shop(live_server, project)
    with shop.client:
        yield shop


def test_the_document_is_valid_openapi() -> None:
    problems = OpenAPIV31SpecValidator(json.loads(DOCUMENT.read_text(encoding="utf-8"))).iter_errors()

    assert [problem.message for problem in problems] == []


async def test_a_generated_client_plays_a_checkout_with_typed_answers(generated: ModuleType, shop: Shop) -> None:
    models = generated
    campaign = shop.ask(
        "campaigns.create_campaign",
        body=models.CampaignCreate(
            name="Welcome",
            vouchers_count=1,
            voucher=models.VoucherDefinition(
                discount=models.PercentOff(percent_off=12.5),
                redemption=models.RedemptionIn(quantity=1),
                code_config=models.CodeConfig(prefix="HI-", length=10),
            ),
        ),
    )
    assert isinstance(campaign, models.CampaignRead)
    assert (campaign.vouchers_count, campaign.voucher.redemption.quantity) == (1, 1)

    ada = models.CustomerIn(source_id="ada", name="Ada")
    published = shop.ask(
        "publications.create_publication",
        body=models.PublicationCreate(customer=ada, campaign=models.CampaignSource(name="Welcome")),
    )
    assert isinstance(published, models.PublicationRead)
    code = published.voucher.code
    assert code.startswith("HI-")

    checkout = models.CheckoutIn(
        redeemables=[models.RedeemableIn(id=code)],
        customer=ada,
        order=models.OrderIn(items=[models.OrderItemIn(source_id="shirt", quantity=2, price=1999)]),
    )
    shown = shop.ask("validations.validate", body=checkout)
    assert isinstance(shown, models.ValidationRead)
    applicable = shown.redeemables[0]
    assert isinstance(applicable, models.ApplicableRedeemable)
    assert isinstance(applicable.result.discount, models.PercentOff)
    assert (shown.valid, applicable.result.discount.percent_off, shown.order.total_amount) == (True, 12.5, 3498)

    redeemed = shop.ask("redemptions.redeem", body=checkout)
    assert isinstance(redeemed, models.RedemptionsRead)
    redemption = redeemed.redemptions[0]
    assert (redemption.result, redemption.voucher.code, redemption.customer.name) == ("SUCCESS", code, "Ada")
    assert (redemption.date.utcoffset() is not None, redeemed.order.total_amount) == (True, 3498)

    refused = shop.ask("redemptions.redeem", body=checkout)
    assert isinstance(refused, models.ErrorBody)
    assert (refused.code, refused.key, refused.redeemable_id) == (400, "quantity_exceeded", code)

    taken_back = shop.ask("redemptions.roll_back_redemption", redemption.id, body=models.RollbackIn(reason="Returned"))
    assert isinstance(taken_back, models.RedemptionRead)
    assert (taken_back.object_, taken_back.redemption) == ("redemption_rollback", redemption.id)
    assert shop.ask("vouchers.get_voucher", code).redemption.redeemed_quantity == 0


async def test_a_generated_client_reads_what_was_wrong_and_where(generated: ModuleType, shop: Shop) -> None:
    checkout = generated.CheckoutIn(
        redeemables=[generated.RedeemableIn(id="ANY")],
        order=generated.OrderIn(items=[generated.OrderItemIn(price=-1)]),
    )

    refused = shop.ask("validations.validate", body=checkout)

    assert isinstance(refused, generated.ErrorBody)
    assert [problem.path for problem in refused.errors] == ["order.items[0].price"]
