"""What is seldom meant of who has what: grants that nobody has, ways to administration, by IAM and by the secret of the master too."""
