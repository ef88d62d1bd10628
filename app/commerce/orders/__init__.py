"""Carts that were kept, and their way from created to fulfilled."""
