"""What each release and licence knows: privileges, names, reserved roles, limits."""
