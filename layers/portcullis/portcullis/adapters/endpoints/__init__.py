"""Where clients look for a deployment."""
