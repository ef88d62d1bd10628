"""Load the shop. What an earlier run left there is kept and used again."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from app.demo import shop
from app.demo.shop_api import Call, ShopApi
from app.processes.errors import CannotStart

GENERATION_SECONDS = 60.0
LOOK_SECONDS = 0.2


def load(api: ShopApi) -> None:
    """Products, customers, and a campaign with a public code that a rule binds.

    Raises CannotStart.
    """
    for product in shop.PRODUCTS:
        api.get(Call("POST", "/v1/products", product))
    for customer in shop.CUSTOMERS:
        api.get(Call("POST", "/v1/customers", customer))
    if find_campaign(api, shop.SUMMER["name"]) is None:
        rule = api.get(Call("POST", "/v1/validation-rules", shop.FROM_100))
        api.get(Call("POST", "/v1/campaigns", {**shop.SUMMER, "validation_rules": [rule["id"]]}))


def campaign_call(name: str) -> Call:
    return Call("GET", f"/v1/campaigns/{quote(name)}")


def find_campaign(api: ShopApi, name: str) -> dict[str, Any] | None:
    answer = api.ask(campaign_call(name))
    return answer.body if answer.is_success else None


def wait_for_codes(api: ShopApi, progress: Callable[[int], None]) -> None:
    """Return when a worker has made all welcome codes; `progress` is told how many there are.

    Raises CannotStart.
    """
    deadline = time.monotonic() + GENERATION_SECONDS
    while True:
        campaign = api.get(campaign_call(shop.WELCOME["name"]))
        progress(campaign["vouchers_count"])
        if campaign["vouchers_generation_status"] == "DONE":
            return
        if campaign["vouchers_generation_status"] == "FAILED":
            raise CannotStart("the codes could not be made; GET /v1/async-actions says why.")
        if time.monotonic() > deadline:
            raise CannotStart(f"no codes after {GENERATION_SECONDS:.0f} seconds; is a worker running?")
        time.sleep(LOOK_SECONDS)
