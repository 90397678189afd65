"""What is known and advised about a key: its policy, its grants, its rotation, what a probe saw. Pure."""
