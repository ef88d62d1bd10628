"""By what a shop's logs can follow a customer without holding personal data."""

import hashlib

from app.access.callers import ProjectView


def customer_tracking_id(project: ProjectView, source_id: str) -> str:
    """A digest of the customer's source id, different in every project: `track_` and 32 hexadecimal digits."""
    return f"track_{hashlib.sha256(f'{project.public_id}/{source_id}'.encode()).hexdigest()[:32]}"
