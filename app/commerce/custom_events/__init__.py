"""Custom events: what customers do that is not an order, under names the shop makes up."""
