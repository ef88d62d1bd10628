"""Publications on the wire: codes given to customers, and the record of it."""
