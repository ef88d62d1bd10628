"""Kinds of campaigns, vouchers and promotions, by which stacking rules sort, exclude and limit them."""
