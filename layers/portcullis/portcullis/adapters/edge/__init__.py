"""What stands before a domain, asked of AWS: security groups, access policy, and the IAM policies of who calls."""
