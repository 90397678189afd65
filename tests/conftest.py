"""The parts that tests of several rooms share: real nodes, the emulated AWS, the door between them. Each starts on first use.

Hypothesis profiles: `whole` (the default), and `fast` for the loop before a commit (`--hypothesis-profile=fast`). Neither has a
deadline for an example: how long one takes says something about the machine, not about a law.
"""

import re

import pytest
from hypothesis import settings

pytest_plugins = ["tests.fixtures_node", "tests.fixtures_aws", "tests.local.fixtures_door"]

settings.register_profile("whole", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=12)
settings.load_profile("whole")

# Where there are several workers, files that share what takes long to start go to the same one: it starts once. The longest first.
_TOGETHER = {
    "embedded": "tests/embedded/test_(story|the_)",
    "walk": "tests/runbooks/test_walk",
    "door": "tests/local/test_door_|tests/tutorials/",
    "nodes": r"[^:]+_on_nodes?\.py|tests/adapters/test_(engine|transport)|tests/local/test_node\.",
    "aws": r"tests/(adapters|keys|functions)/|tests/local/test_(aws_|deploy)|tests/operations/test_ask\.",
    "alone": "tests/embedded/",  # each starts an embedded default of its own
    "stacks": "tests/stacks/",
}


def _group(nodeid: str) -> str:
    """Of the tests that one worker runs, one after another."""
    return next((group for group, files in _TOGETHER.items() if re.match(files, nodeid)), nodeid.partition("::")[0])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {group: place for place, group in enumerate(_TOGETHER)}
    items.sort(key=lambda item: places.get(_group(item.nodeid), len(places)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """For `--dist loadgroup`: xdist's own knows a group by what it writes into a node id, which pytest does not let it any more."""
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return Together(config, log)
