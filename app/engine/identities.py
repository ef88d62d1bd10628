"""Under what a limit per customer counts whoever buys.

One person has many names: an account, a mail address, a phone, a device, a card. A project says which of them count.
Each is an account of its own in the ledger, and a person's count is the greatest among theirs, so nobody begins anew
by changing one of their names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

IdentityScope = Literal["account", "email", "phone", "device", "payment"]
Unknown = Literal["off", "require", "allow", "shared"]

SCOPES: tuple[IdentityScope, ...] = get_args(IdentityScope)
ACCOUNT_SUBJECT = "customer"
"""The kind of subject under which accounts are counted, whose name it had before there were other scopes."""
SHARED_POOL = "unknown"
"""What stands for everybody without an identity, where these are counted together. No id and no hash looks like it."""


@dataclass(frozen=True, slots=True)
class Identities:
    """Who buys, for limits per customer: the `subjects` that count this redemption, such as `customer:cust_...` or
    `email:` and a keyed hash, and the first identity that the project requires and the request does not give."""

    subjects: tuple[str, ...] = ()
    lacking: IdentityScope | None = None


def identities_of(
    policies: Mapping[IdentityScope, Unknown], known: Mapping[IdentityScope, str], *, is_newcomer: bool = False
) -> Identities:
    """What counts where `known` are the identities of the request: the customer's id, and hashes of the others.

    `policies` say what becomes of an identity that is not known: `require` refuses, `allow` leaves it uncounted,
    `shared` counts it with all others who did not give one; `off` never looks at it. A newcomer is a customer whom the
    project does not know yet: that account is given, and has no count.
    """
    subjects: list[str] = []
    lacking: IdentityScope | None = None
    for scope in SCOPES:
        policy = policies[scope]
        if policy == "off" or (scope == "account" and is_newcomer):
            continue
        if scope in known:
            subjects.append(f"{subject_kind(scope)}:{known[scope]}")
        elif policy == "shared":
            subjects.append(f"{subject_kind(scope)}:{SHARED_POOL}")
        elif policy == "require" and lacking is None:
            lacking = scope
    return Identities(tuple(subjects), lacking)


def subject_kind(scope: IdentityScope) -> str:
    """How subjects of the scope begin."""
    return ACCOUNT_SUBJECT if scope == "account" else scope
