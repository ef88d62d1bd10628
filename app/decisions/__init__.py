"""Where the engine is asked: qualifications, validations, redemptions and rollbacks."""
