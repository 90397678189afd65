"""Who may come in: user pools, identity pools, and their roles."""
