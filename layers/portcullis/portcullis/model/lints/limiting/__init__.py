"""What is seldom meant of what limits a role: document filters, field rules and masks."""
