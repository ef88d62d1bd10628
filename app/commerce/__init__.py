"""What the shop tells us: customers, products and SKUs, orders."""
