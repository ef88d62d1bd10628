"""A small shop and a checkout, played over HTTP like any shop would do it."""
