"""What the security API holds, and how it is written: roles, mappings, users, one document at a time."""
