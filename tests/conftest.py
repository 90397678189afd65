"""The parts that tests of several rooms share: real nodes, the emulated AWS, the door between them. Each starts on first use.

Hypothesis profiles: `whole` (the default), and `fast` for the loop before a commit (`--hypothesis-profile=fast`). Neither has a
deadline for an example: how long one takes says something about the machine, not about a law.
"""

from hypothesis import settings

pytest_plugins = ["tests.fixtures_node", "tests.fixtures_aws", "tests.local.fixtures_door"]

settings.register_profile("whole", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=12)
settings.load_profile("whole")
