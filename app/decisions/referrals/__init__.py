"""What makes referees count, and what both sides get for it."""
