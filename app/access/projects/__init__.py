"""Projects: what the management surface makes, shows and changes."""
