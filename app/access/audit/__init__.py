"""The log of every change by a person or a key.

A service writes it in the transaction of the change:
`record(session, caller, "voucher.updated", "voucher", voucher.id, changes)`.
"""

from app.access.audit.log import record, record_above_projects

__all__ = ["record", "record_above_projects"]
