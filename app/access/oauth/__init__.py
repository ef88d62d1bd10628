"""OAuth 2.0 client credentials: bearer tokens of 15 minutes, minted from a server key."""
