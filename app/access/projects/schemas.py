"""Wire shapes of projects and their keys."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from app.access.permissions import Role
from app.access.project_settings import ACCOUNT_ONLY, DefaultCodeConfig, IdentityScopes, TrustedDomain
from app.engine.money import Currency, Rounding
from app.kit.wire import Instant, WireIn, WireOut, WirePatch

_ZONES = available_timezones()


def _known_zone(name: str) -> str:
    if name not in _ZONES:
        raise ValueError("This is not a time zone of the IANA database, such as Europe/Berlin.")
    return ZoneInfo(name).key


ProjectName = Annotated[str, Field(min_length=1, max_length=200, examples=["Shoe shop"])]
Description = Annotated[str, Field(max_length=2000)]
TimeZone = Annotated[
    str,
    AfterValidator(_known_zone),
    Field(description="IANA name; calendar rules follow it.", examples=["Europe/Berlin"]),
]
ProjectCurrency = Annotated[
    Currency,
    Field(
        description="ISO 4217. What amounts that name no currency are in. With it, money in two currencies is never "
        "added up or exchanged; without it, currencies are not compared. Once the project has vouchers, campaigns or "
        "orders it can be set, but not changed."
    ),
]
DialCode = Annotated[str, Field(max_length=8, examples=["49"])]
TrustedDomains = Annotated[
    list[TrustedDomain],
    Field(max_length=100, description="Origins whose pages may use client keys; `*` allows all, for development."),
]
PagesRedeem = Annotated[bool, Field(description="Whether pages may redeem.")]
PagesPublish = Annotated[bool, Field(description="Whether pages may give customers codes of campaigns.")]
PagesList = Annotated[
    bool,
    Field(
        description="Whether pages see codes in qualifications: those of any customer whom they name, and public ones."
    ),
]
PagesMakeCustomers = Annotated[
    bool,
    Field(
        description="Whether pages may make and change customers. If not, what they say about a customer counts for "
        "nothing but finding one."
    ),
]
WeakCodes = Literal["refuse", "warn"]


class ProjectCreate(WireIn):
    name: ProjectName = "New project"
    description: Description | None = None
    timezone: TimeZone = "UTC"
    currency: ProjectCurrency | None = None
    dial_code: DialCode | None = None
    case_sensitive_codes: Annotated[
        bool, Field(description="Whether `Spring` and `SPRING` are two codes. Cannot be changed later.")
    ] = True
    client_trusted_domains: TrustedDomains | None = None
    client_redeem_enabled: PagesRedeem = False
    client_publish_enabled: PagesPublish = False
    client_list_vouchers_enabled: PagesList = False
    client_create_customer_enabled: PagesMakeCustomers = False
    client_loyalty_events_enabled: bool = False
    client_set_voucher_expiration_date_enabled: bool = False
    default_code_config: DefaultCodeConfig | None = None
    rounding: Rounding = "half_up"
    weak_codes: WeakCodes = "refuse"
    identity_scopes: IdentityScopes = ACCOUNT_ONLY


class ProjectUpdate(WirePatch):
    """A member that is left out stays as it is; null brings back the default."""

    name: ProjectName | None = None
    description: Description | None = None
    timezone: TimeZone | None = None
    currency: ProjectCurrency | None = None
    dial_code: DialCode | None = None
    client_trusted_domains: TrustedDomains | None = None
    client_redeem_enabled: PagesRedeem | None = None
    client_publish_enabled: PagesPublish | None = None
    client_list_vouchers_enabled: PagesList | None = None
    client_create_customer_enabled: PagesMakeCustomers | None = None
    client_loyalty_events_enabled: bool | None = None
    client_set_voucher_expiration_date_enabled: bool | None = None
    default_code_config: DefaultCodeConfig | None = None
    rounding: Rounding | None = None
    weak_codes: WeakCodes | None = None
    identity_scopes: IdentityScopes | None = None


class ProjectRead(WireOut):
    id: str
    name: str
    description: str | None = None
    timezone: str
    currency: str | None = None
    dial_code: str | None = None
    case_sensitive_codes: bool
    client_trusted_domains: list[str]
    client_redeem_enabled: bool
    client_publish_enabled: bool
    client_list_vouchers_enabled: bool
    client_create_customer_enabled: bool
    client_loyalty_events_enabled: bool
    client_set_voucher_expiration_date_enabled: bool
    default_code_config: DefaultCodeConfig
    rounding: Rounding
    weak_codes: WeakCodes
    identity_scopes: IdentityScopes
    webhook_version: Literal["v2024-01-01"] = "v2024-01-01"
    api_version: Literal["v2018-08-01"] = "v2018-08-01"
    webhook_token: Annotated[str, Field(description="Signs the webhooks of this project.")]


class ProjectKey(WireOut):
    app_id: str
    app_token: Annotated[str, Field(description="Shown here and never again.")]


class ProjectCreated(ProjectRead):
    server_side_key: ProjectKey
    client_side_key: ProjectKey


class ProjectList(WireOut):
    object: Literal["list"] = "list"
    data_ref: Literal["data"] = "data"
    data: list[ProjectRead]
    total: int


class KeyCreate(WireIn):
    role: Annotated[Role, Field(description="`client` makes a key for browsers, the others make keys for servers.")]
    name: Annotated[str, Field(min_length=1, max_length=200, examples=["checkout in production"])]


class KeyRead(WireOut):
    id: Annotated[str, Field(description="The public half: `X-App-Id` or `X-Client-Application-Id`.")]
    kind: Literal["server", "client", "management"]
    role: Role
    name: str
    created_at: Instant
    revoked_at: Instant | None = None


class KeyCreated(WireOut):
    id: Annotated[str, Field(description="The public half: `X-App-Id` or `X-Client-Application-Id`.")]
    token: Annotated[str, Field(description="The secret half: `X-App-Token` or `X-Client-Token`. Shown only here.")]
    kind: Literal["server", "client", "management"]
    role: Role
    name: str
    created_at: Instant


class KeyList(WireOut):
    object: Literal["list"] = "list"
    data_ref: Literal["data"] = "data"
    data: list[KeyRead]
    total: int
