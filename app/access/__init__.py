"""Who may do what: projects, keys, roles, tokens, and the audit log."""
