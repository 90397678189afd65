"""Types of resources that the emulator's CloudFormation does not know."""
