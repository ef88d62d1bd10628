"""Milestones: rewards that customers have because a figure of theirs has reached a threshold."""
