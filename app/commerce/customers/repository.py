"""Customers in the database."""

from app.commerce.sourced import SourcedRepository
from app.models import Customer


class CustomerRepository(SourcedRepository[Customer]):
    model = Customer
    resource_type = "customer"
    prefix = "cust"
    metadata_name = "customer_metadata"
