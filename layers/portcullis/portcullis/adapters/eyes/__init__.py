"""What of what we see by is there, asked of AWS."""
