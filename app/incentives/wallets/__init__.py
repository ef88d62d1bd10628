"""What a customer holds: the codes that were published to them, and whether each can still be used."""
