"""What can go wrong with exports."""

from app.kit.errors import AppError, InvalidPayload


class InvalidExportFields(InvalidPayload):
    """400: the object has no such fields."""

    key = "invalid_export_fields"
    message = "Invalid export fields"


class InvalidExportFilters(InvalidPayload):
    """400: the object cannot be filtered like this."""

    key = "invalid_export_filters"
    message = "Invalid export filters"


class TooManyExports(AppError):
    """400: so many files are kept already; delete some, or wait until they expire."""

    key = "too_many_exports"
    message = "Too many exports"
