"""What a marketer sets up."""
