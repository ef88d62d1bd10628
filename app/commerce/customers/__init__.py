"""Buyers: kept by id or by the shop's own id, merged on every mention, erased on request."""
