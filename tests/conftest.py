"""The parts that tests of several rooms share: real nodes, the emulated AWS, the door between them. Each starts on first use."""

pytest_plugins = ["tests.fixtures_node", "tests.fixtures_aws", "tests.local.fixtures_door"]
