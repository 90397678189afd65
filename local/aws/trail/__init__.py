"""What CloudTrail would tell: read from calls, taken to the bus."""
