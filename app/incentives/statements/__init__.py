"""What accounts hold, held at any instant, and how it came to be."""
