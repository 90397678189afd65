"""What stands before the engine: the network, the domain's access policy and the caller's own IAM policies. Pure."""
