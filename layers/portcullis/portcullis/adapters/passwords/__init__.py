"""Where the passwords of internal users are kept."""
