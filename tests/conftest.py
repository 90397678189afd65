"""The parts that tests of several rooms share: real nodes, the emulated AWS, the door between them. Each starts on first use.

Hypothesis profiles: `whole` (the default), `fast` for the loop before a commit, and `explore` (`make explore`). The first two try the same
examples each time: what passed for whoever made a change passes for whoever takes it. `explore` tries new ones, and more of them. None has
a deadline for an example: how long one takes says something about the machine, not about a law.
"""

import gc
import os
import re
import signal
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from local.surroundings import set_aside

pytest_plugins = [
    "tests.fixtures_node",
    "tests.fixtures_elastic",
    "tests.fixtures_pair",
    "tests.fixtures_aws",
    "tests.local.fixtures_door",
]

# What starts here reaches neither anybody's own AWS nor a proxy for this machine.
set_aside()

# None says anything of how fast the machine is.
_ANY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("whole", _ANY_MACHINE, derandomize=True)
settings.register_profile("fast", _ANY_MACHINE, derandomize=True, max_examples=6)
settings.register_profile(
    "explore", _ANY_MACHINE, max_examples=int(os.environ.get("PORTCULLIS_EXAMPLES", "1000")), print_blob=True
)
settings.load_profile("whole")

# A run in the background of a shell is begun with Ctrl-C ignored, and so is whatever it starts: programs that are to be interrupted here
# would not be.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Where there are several workers, files that share what takes long to start go to the same one: it starts once. The longest first, so
# that no worker is left alone with a long one at the end.
_TOGETHER = {
    "embedded": "tests/embedded/test_(story|the_|another_)",
    "nodes": r"[^:]+_on_nodes?\.py|tests/adapters/test_(engine|transport)\.|tests/local/test_node\.",
    "pair": r"tests/operations/remotes/[^:]+_on_elastic\.|[^:]+/test_(across(_[a-z]+)?|questions_across|keystore_command)_on_elastic\."
    r"|tests/local/test_elastic_keystore\.",
    "elastic": r"[^:]+_on_elastic\.py|tests/(adapters|local)/test_(elastic|cluster_elsewhere)",
    "door": "tests/local/test_door_(?!srp)|tests/adapters/test_engine_at_door|tests/tutorials/",
    "aws": r"tests/(adapters|keys|functions)/|tests/local/test_(aws_|deploy|door_srp)|tests/operations/test_ask\."
    r"|tests/cli/test_report_to_bucket\.",
    "walk": "tests/runbooks/test_walk",
    "walk of a cluster": "tests/runbooks/test_on_cluster",
    "stacks": "tests/stacks/",
}
# What has to be in the same group as each of these, which start a server a worker: elsewhere it would be started once more, unnoticed.
_SERVERS = {
    "nodes": {"node_basic", "node_basic_2", "node_basic_3"},
    "pair": {"shared_pair", "reached"},
    "elastic": {"shared_elastic"},
    "embedded": {"up"},
    "door": {"world_3", "world_2", "each_world", "internal_3", "internal_2"},
    "aws": {"aws"},
}
_LAST = "tests/embedded/test_the_very_end"  # it destroys the key of the embedded default that the others share
_ALONE = "tests/embedded/"  # the others there: each file starts an embedded default of its own


def _group(nodeid: str) -> str:
    """Of the tests that one worker runs, one after another."""
    return next((group for group, files in _TOGETHER.items() if re.match(files, nodeid)), nodeid.partition("::")[0])


def _place(nodeid: str) -> tuple[int, bool]:
    group = _group(nodeid)
    if group in _TOGETHER:
        return list(_TOGETHER).index(group), nodeid.startswith(_LAST)
    return len(_TOGETHER) + (not group.startswith(_ALONE)), False


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """The collector of garbage looks at ten thousand tests again and again while there are more and more of them, and finds nothing to
    take away: a third of the time of collecting, and a sixth of that of the tests. So it waits, and leaves them out from then on."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        used, group = {*getattr(item, "fixturenames", ())}, _group(item.nodeid)
        for server, fixtures in _SERVERS.items():
            if used & fixtures and group != server:
                raise pytest.UsageError(
                    f"{item.nodeid} uses {', '.join(used & fixtures)} and is in the group {group}: put its file into {server} of _TOGETHER"
                )
    items.sort(key=lambda item: _place(item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """For `--dist loadgroup`: xdist's own knows a group by what it writes into a node id, which pytest does not let it any more."""
    if config.getoption("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return Together(config, log)
