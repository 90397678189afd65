"""What roles and mappings give to whom: roles merged, who has which, signing in, what a change takes or gives."""
