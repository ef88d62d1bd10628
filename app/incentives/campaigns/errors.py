from app.kit.errors import AppError, DuplicateFound, NotFound


class CampaignNotFound(NotFound):
    """404: the project has no campaign with this id or name."""

    def __init__(self, campaign: str) -> None:
        super().__init__("campaign", campaign)


class NameTaken(DuplicateFound):
    """409: another campaign of this project has the name; deleted campaigns keep theirs."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Duplicated campaign exists with name {name}", resource_id=name, resource_type="campaign")


class InvalidCampaign(AppError):
    """400: a campaign cannot be like this."""

    key = "invalid_campaign"
    message = "Invalid campaign"


class TooManyVouchers(AppError):
    """400: the campaign would have more codes than this server allows."""

    key = "too_many_vouchers_requested"
    message = "Too many vouchers requested"

    def __init__(self, wanted_count: int, existing_count: int, limit: int) -> None:
        super().__init__(
            f"{wanted_count:,} vouchers were asked for; the campaign has or is getting {existing_count:,} "
            f"and may have {limit:,}."
        )
