"""Who buys, as limits per customer count it: identities in their normal forms, kept as keyed hashes only."""

import hmac
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from app.access.callers import ProjectView
from app.commerce.customers.email import mailbox
from app.commerce.customers.phone import normal_phone
from app.commerce.customers.schemas import Email, Line
from app.engine.cart import Customer
from app.engine.identities import Identities, IdentityScope, identities_of
from app.kit.wire import WireIn

HASH_BYTES = 16
Fingerprint = Annotated[str, Field(max_length=500)]


class IdentityIn(WireIn):
    """Who buys, for limits per customer, where the project's `identity_scopes` ask for more than the account.

    Nothing of it is kept but keyed hashes. A guest needs no `customer`: this is enough.
    """

    email: Annotated[Email | None, Field(description="Instead of the customer's.")] = None
    phone: Annotated[Line | None, Field(description="Instead of the customer's.")] = None
    device: Annotated[Fingerprint | None, Field(description="What your shop tells devices apart by.")] = None
    payment: Annotated[
        Fingerprint | None,
        Field(description="What your payment provider tells cards or accounts apart by; never a card's number."),
    ] = None


NOTHING_GIVEN = IdentityIn()


def buyer_of(project: ProjectView, given: IdentityIn | None, customer: Customer | None) -> Identities | None:
    """Whom limits per customer count; None in a project that counts accounts alone, which the cart knows by itself."""
    scopes = project.settings.identity_scopes
    if scopes.are_default:
        return None
    known = _known(given or NOTHING_GIVEN, customer, project.settings.dial_code)
    subjects = {scope: hashed(project, scope, text) for scope, text in known.items()}
    if customer is not None and customer.id is not None:
        subjects["account"] = customer.id
    return identities_of(scopes.policies, subjects, is_newcomer=customer is not None and customer.id is None)


def subjects_of(project: ProjectView, customer: Customer) -> frozenset[str]:
    """Under what a kept customer is the same person as another: the hash of the mail address, and of the phone where
    the project's scopes ask for phones."""
    known = _known(NOTHING_GIVEN, customer, project.settings.dial_code)
    policies = project.settings.identity_scopes.policies
    return frozenset(
        f"{scope}:{hashed(project, scope, text)}"
        for scope, text in known.items()
        if scope == "email" or policies[scope] != "off"
    )


def hashed(project: ProjectView, scope: IdentityScope, text: str) -> str:
    """The identity as it is kept: 32 hexadecimal digits that nobody can make, or guess from, without the project's
    secret (HMAC-SHA-256, its first half)."""
    return hmac.digest(project.identity_key, f"{scope}:{text}".encode(), "sha256")[:HASH_BYTES].hex()


def _known(given: IdentityIn, customer: Customer | None, dial_code: str | None) -> Mapping[IdentityScope, str]:
    """What is known besides the account, in normal forms: what the request says of the buyer, else of the customer."""
    email = given.email or (customer.email if customer else None) or ""
    phone = given.phone or (customer.phone if customer else None) or ""
    normal: dict[IdentityScope, str | None] = {
        "email": mailbox(email),
        "phone": normal_phone(phone, dial_code),
        "device": (given.device or "").strip(),
        "payment": (given.payment or "").strip(),
    }
    return {scope: text for scope, text in normal.items() if text}
