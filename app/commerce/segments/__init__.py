"""Groups of customers: those a marketer named, and those a filter accepts."""
