"""A customer as an answer."""

from app.commerce.customers.schemas import AddressRead, CustomerRead
from app.commerce.customers.summaries import Figures
from app.models import Customer


def customer_read(customer: Customer, figures: Figures) -> CustomerRead:
    """The customer under both names of the birthdate."""
    return CustomerRead(
        id=customer.id,
        source_id=customer.source_id,
        name=customer.name,
        description=customer.description,
        email=customer.email,
        phone=customer.phone,
        birthdate=customer.birthdate,
        birthday=customer.birthdate,
        address=AddressRead(**customer.address) if customer.address else None,
        metadata=customer.customer_metadata,
        summary=figures.summary,
        loyalty=figures.loyalty,
        referrals=figures.referrals,
        created_at=customer.created_at,
        updated_at=customer.updated_at,
    )
