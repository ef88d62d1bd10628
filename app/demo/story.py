"""The checkout, step by step."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from app.demo import shop
from app.demo.loading import campaign_call, find_campaign, load, wait_for_codes
from app.demo.shop_api import Call, ShopApi
from app.processes.errors import CannotStart

EXPLAIN = ("X-Guerdon-Explain", "true")
Told = dict[str, Any]


def play(credentials: Mapping[str, str], credentials_file: Path, console: Console) -> None:
    """Load the shop and play the story on the server that the credentials name.

    Raises CannotStart when there is no such server, or when an answer is not the one that the story needs.
    """
    with ShopApi(credentials) as api:
        console.print(f"[bold]A small shop on {api.url}[/]")
        load(api)
        console.print(
            f"  Loaded {len(shop.PRODUCTS)} products, {len(shop.CUSTOMERS)} customers "
            f"and a campaign with the public code {shop.PUBLIC_CODE}."
        )
        console.print(f"  To paste the commands below, first:  . {escape(str(credentials_file))}")
        story = Teller(api, console)
        _campaign(story)
        _checkout(story)


class Teller:
    """Makes the calls of the story and tells each with its command and what came of it."""

    def __init__(self, api: ShopApi, console: Console) -> None:
        self.api, self.console, self.step = api, console, 0

    def tell(self, title: str, call: Call, summary: Callable[[Told], str], *, refused: bool = False) -> Told:
        """One step. `refused` says that the story wants this call to be refused.

        Raises CannotStart when it comes otherwise.
        """
        self.step += 1
        self.console.print(f"\n[bold cyan]{self.step}. {title}[/]")
        self.console.print(call.as_curl(), style="dim", markup=False)
        answer = self.api.ask(call)
        if answer.is_success is refused:
            raise CannotStart(f"{call.method} {call.path} was answered {answer.status}: {answer.body}")
        colour = "yellow" if refused else "green"
        self.console.print(f"[{colour}]{answer.status}[/] {summary(answer.body)}")
        return answer.body


def _campaign(story: Teller) -> None:
    if find_campaign(story.api, shop.WELCOME["name"]) is None:
        story.tell(
            f"Create a campaign with {shop.WELCOME_CODES:,} codes, which a worker makes in the background.",
            Call("POST", "/v1/campaigns", shop.WELCOME),
            lambda told: f"{told['id']}, codes: {told['vouchers_generation_status']}.",
        )
    else:
        story.tell(
            f"The campaign with {shop.WELCOME_CODES:,} codes is there from an earlier run.",
            campaign_call(shop.WELCOME["name"]),
            lambda told: f"{told['id']}, codes: {told['vouchers_generation_status']}.",
        )
    with story.console.status("Waiting for the codes") as status:
        wait_for_codes(story.api, lambda count: status.update(f"{count} of {shop.WELCOME_CODES} codes made"))
    story.console.print(f"    {shop.WELCOME_CODES:,} codes are made.")


def _checkout(story: Teller) -> None:
    publication = story.tell(
        "Publish: Ada signs up and gets a welcome code of her own.",
        Call("POST", "/v1/publications", {"campaign": {"name": shop.WELCOME["name"]}, "customer": shop.CUSTOMER}),
        lambda told: f"She holds [bold]{told['voucher']['code']}[/]: 20 % off, once.",
    )
    checkout = shop.checkout(publication["voucher"]["code"])
    story.tell(
        "Qualify: what could she use on her cart?",
        Call(
            "POST",
            "/v1/qualifications",
            {"customer": shop.CUSTOMER, "order": shop.ORDER, "options": {"sorting_rule": "BEST_DEAL", "limit": 3}},
        ),
        _qualified,
    )
    story.tell(
        "Validate the public code, and ask why it does not apply.",
        Call("POST", "/v1/validations", shop.checkout(shop.PUBLIC_CODE), (EXPLAIN,)),
        _not_valid,
    )
    story.tell("Validate her own code. Nothing is used up by asking.", Call("POST", "/v1/validations", checkout), _paid)
    redeemed = story.tell("Redeem it: the order is paid.", Call("POST", "/v1/redemptions", checkout), _paid)
    story.tell("Redeem it again: refused.", Call("POST", "/v1/redemptions", checkout), _refusal, refused=True)
    redemption_id = redeemed["redemptions"][0]["id"]
    story.tell(
        "Roll back: Ada returns everything.",
        Call("POST", f"/v1/redemptions/{redemption_id}/rollback", {"reason": "Returned"}),
        lambda told: f"{told['redemption']} is taken back, its order is {told['order']['status']}.",
    )
    story.tell(
        "Validate once more: the code is free again.",
        Call("POST", "/v1/validations", checkout),
        _paid,
    )
    story.console.print(f"\nEvery endpoint with its shapes: {story.api.url}/docs")


def _qualified(told: Told) -> str:
    found = told["redeemables"]
    lines = [
        f"  [bold]{escape(item['id'])}[/] would take off {money(item['order']['total_applied_discount_amount'])}"
        for item in found["data"]
    ]
    more = "\n  and more" if found.get("has_more") else ""
    return "She could use:\n" + "\n".join(lines) + more


def _not_valid(told: Told) -> str:
    reason = told["redeemables"][0]["result"]
    hints = [
        finding["counterfactual"]
        for entry in told["trace"]
        for finding in entry["findings"]
        if not finding["holds"] and finding["counterfactual"]
    ]
    hint = f"\n  What would help: {escape('; '.join(hints))}" if hints else ""
    return f"Not valid ({reason['details']['key']}): {escape(reason['details']['message'])}{hint}"


def _paid(told: Told) -> str:
    order = told["order"]
    amounts = [order["amount"], order["total_discount_amount"], order["total_amount"]]
    paid, off, left = (money(amount) for amount in amounts)
    return f"{paid} - {off} = [bold]{left}[/] to pay."


def _refusal(told: Told) -> str:
    return f"{told['key']}: {escape(told['message'])}"


def money(amount: int) -> str:
    """Cents as they are written on a price tag."""
    return f"{amount // 100}.{amount % 100:02}"
