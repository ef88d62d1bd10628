"""The functional core: what a cart is, what a rule means, what a discount does. No I/O, no clock, no framework."""
