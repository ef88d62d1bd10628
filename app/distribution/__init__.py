"""What reaches people and systems."""
