"""What each function may do, on which resources, in how many policies."""
