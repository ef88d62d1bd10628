"""The checkout as pages see it: the same decisions, told to strangers."""
