"""What a project may set about itself, beyond what its table has columns for."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.engine.money import Rounding

ALPHANUMERIC = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

TrustedDomain = Annotated[str, Field(min_length=1, max_length=255, examples=["https://shop.example.com", "*"])]


class DefaultCodeConfig(BaseModel):
    """What generated codes look like when neither the campaign nor the request says so."""

    model_config = ConfigDict(frozen=True)

    charset: Annotated[str, Field(min_length=2, max_length=512)] = ALPHANUMERIC
    length: Annotated[int, Field(ge=1, le=64)] = 8


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
