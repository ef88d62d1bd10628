"""Publications: codes given to customers."""
