"""What a config gives to whom: roles by mapping, privileges, administration, what a change takes or gives."""
