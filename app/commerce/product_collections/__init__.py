"""Groups of products: those a marketer named, and those a filter accepts."""
