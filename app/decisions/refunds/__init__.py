"""Units of a redeemed order that come back: what is given back for them, told beforehand or done once."""
