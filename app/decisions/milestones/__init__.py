"""Reaching milestones: noticed when something happened, and given for once."""
