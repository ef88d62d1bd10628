"""What a project may set about itself, beyond what its table has columns for."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.engine.identities import SCOPES, IdentityScope, Unknown
from app.engine.money import Rounding

ALPHANUMERIC = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

TrustedDomain = Annotated[str, Field(min_length=1, max_length=255, examples=["https://shop.example.com", "*"])]


class DefaultCodeConfig(BaseModel):
    """What generated codes look like when neither the campaign nor the request says so."""

    model_config = ConfigDict(frozen=True)

    charset: Annotated[str, Field(min_length=2, max_length=512)] = ALPHANUMERIC
    length: Annotated[int, Field(ge=1, le=64)] = 8


class IdentityScopes(BaseModel):
    """By what limits per customer tell buyers apart, and what becomes of those who do not give it: `require` refuses
    them where a limit asks, `allow` leaves them uncounted, `shared` counts all of them together. Scopes that are `off`
    are not looked at."""

    model_config = ConfigDict(frozen=True)

    account: Annotated[Unknown, Field(description="The customer, by `id` or `source_id`.")] = "require"
    email: Annotated[
        Unknown,
        Field(description="The mail address, whatever its case, its plus tag or dots that its provider ignores."),
    ] = "off"
    phone: Annotated[
        Unknown, Field(description="The phone number, however it is written; `dial_code` tells the country.")
    ] = "off"
    device: Annotated[Unknown, Field(description="`identity.device` of the checkout: a fingerprint you made.")] = "off"
    payment: Annotated[
        Unknown, Field(description="`identity.payment` of the checkout: such as a card's fingerprint.")
    ] = "off"

    @model_validator(mode="after")
    def _counts_somehow(self) -> "IdentityScopes":
        if set(self.policies.values()) == {"off"}:
            raise ValueError("At least one scope has to count, or no limit per customer would.")
        return self

    @property
    def are_default(self) -> bool:
        """Whether the account alone counts and has to be given, as the contract has it."""
        return self.account == "require" and self.email == self.phone == self.device == self.payment == "off"

    @property
    def policies(self) -> dict[IdentityScope, Unknown]:
        return {scope: getattr(self, scope) for scope in SCOPES}


ACCOUNT_ONLY = IdentityScopes()


class ProjectSettings(BaseModel):
    """Switches of a project, kept in `projects.settings`. A new project starts with the defaults: the careful ones."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    dial_code: Annotated[str | None, Field(max_length=8)] = None
    client_trusted_domains: Annotated[
        tuple[TrustedDomain, ...],
        Field(max_length=100, description="Origins whose pages may use client keys; `*` allows all of them."),
    ] = ()
    client_redeem_enabled: bool = False
    client_publish_enabled: bool = False
    client_list_vouchers_enabled: bool = False
    client_create_customer_enabled: bool = False
    client_loyalty_events_enabled: bool = False
    client_set_voucher_expiration_date_enabled: bool = False
    default_code_config: DefaultCodeConfig = DefaultCodeConfig()
    rounding: Annotated[Rounding, Field(description="How a share of a minor unit is rounded.")] = "half_up"
    weak_codes: Annotated[
        Literal["refuse", "warn"],
        Field(description="What happens when codes that are worth money are to be generated in a guessable shape."),
    ] = "refuse"
    points_debt: Annotated[
        Literal["OWE", "FORGIVE"],
        Field(
            description="What happens when points are taken back, because an order was canceled or refunded, and the "
            "card has not so many any more: it owes them and what it earns next pays for them, or nobody does."
        ),
    ] = "OWE"
    identity_scopes: Annotated[IdentityScopes, Field(description="By what limits per customer tell buyers apart.")] = (
        ACCOUNT_ONLY
    )
