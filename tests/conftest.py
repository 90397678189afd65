"""The parts that tests of several rooms share: real nodes, the emulated AWS, the door between them. Each starts on first use.

Hypothesis profiles: `whole` (the default), and `fast` for the loop before a commit (`--hypothesis-profile=fast`). Neither has a
deadline for an example: how long one takes says something about the machine, not about a law.
"""

import pytest
from hypothesis import settings

pytest_plugins = ["tests.fixtures_node", "tests.fixtures_aws", "tests.local.fixtures_door"]

settings.register_profile("whole", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=12)
settings.load_profile("whole")

# Where there are several workers, tests that share what takes long to start go to the same one: it starts once. The longest first.
_SHARED = {
    "embedded": {"up", "on_call", "shared"},
    "door": {"world", "world_2", "world_3", "each_world", "sign_in", "internal_node", "stage"},
    "parts": {"aws", "node_basic", "node_basic_2", "node_basic_3"},
    "stacks": {"demo", "pair", "either", "both"},
}


def _group(item: pytest.Item) -> str:
    if item.path.parent.name == "tutorials":
        return "door"
    asked = set(getattr(item, "fixturenames", ()))
    return next((group for group, fixtures in _SHARED.items() if asked & fixtures), item.path.name)


@pytest.hookimpl(tryfirst=True)  # before the workers are told
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    groups = {item.nodeid: _group(item) for item in items}
    order = list(_SHARED)
    items.sort(key=lambda item: order.index(groups[item.nodeid]) if groups[item.nodeid] in order else len(order))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(groups[item.nodeid]))
