"""What can go wrong when codes are given to customers."""

from app.kit.errors import AppError


class MissingVouchers(AppError):
    """400: the request names neither a voucher nor a campaign."""

    key = "missing_vouchers"
    message = "Missing vouchers"

    def __init__(self) -> None:
        super().__init__("Name the voucher to publish, or the campaign to take vouchers from.")


class InvalidPublishParams(AppError):
    """400: the members of the request contradict each other."""

    key = "invalid_publish_params"
    message = "Invalid publish params"


class TooManyVouchersRequested(AppError):
    """400: more vouchers than one publication can give."""

    key = "too_many_vouchers_requested"
    message = "Too many vouchers requested"


class DuplicateSourceId(AppError):
    """400: an earlier publication with this `source_id` gave something else, or gave it to somebody else."""

    key = "duplicate_source_id"
    message = "Duplicate source_id"

    def __init__(self, source_id: str, publication_id: str) -> None:
        super().__init__(
            f"The source_id {source_id} belongs to a different publication.",
            resource_id=publication_id,
            resource_type="publication",
        )


class Unpublishable(AppError):
    """400: nothing could be given. The attempt is kept and listed with the result FAILURE."""


class NoVoucherSuitable(Unpublishable):
    """400: the campaign has no active, unpublished code left, and cannot make one."""

    key = "no_voucher_suitable_for_publication"
    message = "Couldn't find any voucher suitable for publication"


class VoucherAlreadyPublished(Unpublishable):
    """400: the voucher has a holder."""

    key = "voucher_already_published"
    message = "Voucher already published"

    def __init__(self, code: str) -> None:
        super().__init__(f"The voucher {code} has already been published.", resource_id=code, resource_type="voucher")


class VoucherCannotBePublished(Unpublishable):
    """400: the customer already has a code of this campaign, and gets only one."""

    key = "voucher_cannot_be_published"
    message = "Voucher cannot be published"

    def __init__(self, campaign_name: str) -> None:
        super().__init__(
            f"Customer already joined program. {campaign_name} gives every customer one code.",
            resource_id=campaign_name,
            resource_type="campaign",
        )


class CampaignNotActive(Unpublishable):
    """400: the campaign is disabled."""

    key = "campaign_not_active"
    message = "Campaign is not active"

    def __init__(self, campaign_name: str) -> None:
        super().__init__(
            f"The campaign {campaign_name} is disabled.", resource_id=campaign_name, resource_type="campaign"
        )


class VoucherDisabled(Unpublishable):
    """400: the voucher is disabled."""

    key = "voucher_disabled"
    message = "voucher is disabled"

    def __init__(self, code: str) -> None:
        super().__init__(f"The voucher {code} is disabled.", resource_id=code, resource_type="voucher")


class VoucherExpired(Unpublishable):
    """400: the voucher has expired."""

    key = "voucher_expired"
    message = "voucher expired"

    def __init__(self, code: str) -> None:
        super().__init__(f"The voucher {code} has expired.", resource_id=code, resource_type="voucher")
