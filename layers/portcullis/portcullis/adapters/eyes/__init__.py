"""What is there of what we see by, asked of AWS."""
