"""What can go wrong with referrals."""

from app.kit.errors import AppError, NotFound


class ReferralNotFound(NotFound):
    """404: the project has no referral with this id."""

    def __init__(self, referral_id: str) -> None:
        super().__init__("referral", referral_id)


class MemberNotFound(NotFound):
    """404: there is no referral code with this code or id, or not in the campaign that was named."""

    def __init__(self, member: str) -> None:
        super().__init__("referral_code", member)


class HolderNotFound(NotFound):
    """404: the referral code has no holder with this id."""

    def __init__(self, holder_id: str) -> None:
        super().__init__("holder", holder_id)


class NotPublished(AppError):
    """400: the referral code was not given to a referrer yet."""

    key = "not_published"
    message = "Voucher is not published"

    def __init__(self, code: str) -> None:
        super().__init__(f"The referral code {code} has no holder: publish it first.", resource_id=code)


class HolderDuplicated(AppError):
    """409: the customer is a holder of this code already."""

    status = 409
    key = "holder_assignement_duplication"
    message = "Duplicated holder assignment"

    def __init__(self, customer_id: str) -> None:
        super().__init__(f"{customer_id} is a holder of this code already.", resource_id=customer_id)


class ReferrerStays(AppError):
    """403: the referrer cannot be taken off the code that was published to them."""

    status = 403
    key = "forbidden"
    message = "Forbidden"

    def __init__(self, holder_id: str) -> None:
        super().__init__("The referrer of a code cannot be removed, only its referees.", resource_id=holder_id)


class ReferralInUse(AppError):
    """400: the referral was rewarded, so it stays."""

    key = "resource_in_use"
    message = "Resource in use"

    def __init__(self, referral_id: str) -> None:
        super().__init__(f"{referral_id} was rewarded and cannot be taken back.", resource_id=referral_id)


class SelfReferral(AppError):
    """400: referrer and referee are one person."""

    key = "referrer_not_permitted_to_redeem"
    message = "voucher cannot be redeemed by referrer"

    def __init__(self, code: str) -> None:
        super().__init__(f"The referral code {code} belongs to this customer.", resource_id=code)


class AlreadyReferred(AppError):
    """409: the customer, or somebody with the same identity, was referred in this program before."""

    status = 409
    key = "already_referred"
    message = "Customer was referred already"

    def __init__(self, customer_id: str) -> None:
        super().__init__("In one program a customer is referred once, by one referrer.", resource_id=customer_id)


class ProgramClosed(AppError):
    """400: the program or the code is disabled, or outside of its dates."""

    key = "campaign_not_active"
    message = "Campaign is not active"

    def __init__(self, code: str) -> None:
        super().__init__(f"The referral code {code} is not active now, or its campaign is not.", resource_id=code)


class RewardNotGiven(AppError):
    """400: a reward cannot be given now; it is tried again."""

    key = "reward_not_given"
    message = "Reward cannot be given"
