"""SSM Automation, of which the emulator has nothing."""
