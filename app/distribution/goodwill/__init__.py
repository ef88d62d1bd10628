"""What support gives to a customer to say sorry: a code for them alone, paid from a budget."""
