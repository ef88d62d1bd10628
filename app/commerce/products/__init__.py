"""The catalogue: products and their SKUs."""
