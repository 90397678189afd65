"""The domain as AWS has it configured."""
