"""What the client-side API has of its own: limits, counted in Postgres so that they are exact over all processes."""
