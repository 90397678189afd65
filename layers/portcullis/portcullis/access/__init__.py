"""What access is, whatever the engine: grants, claims, difference, plan, lock-out. Pure."""
