"""No deadline for an example: how long one takes says something about the machine, not about a law."""

from hypothesis import settings

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
