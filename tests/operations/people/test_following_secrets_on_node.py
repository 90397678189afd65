"""A secret that was rotated is followed on a real node."""

from __future__ import annotations

import pytest
import requests
from portcullis.adapters.passwords.aws import generated
from portcullis.operations.access.deployments import introduce
from portcullis.operations.people.following_secrets import follow_secrets
from portcullis.ports.registration import IamRole

from local.node.node import Node
from tests.fixtures_node import make_new
from tests.operations.on_node import MASTER, account_on, bytes_of, put_back
from tests.operations.people.test_following_secrets import CAUSE, USERS
from tests.operations.worlds import registration

pytestmark = pytest.mark.node


def test_after_a_rotation_the_new_password_is_in_and_the_old_one_out(node_basic: Node) -> None:
    make_new(node_basic)
    found = bytes_of(node_basic)
    made = account_on(node_basic)
    first, second = generated(), generated()
    made.passwords.kept["given"] = first
    try:
        text = USERS.replace("kim: {}, lee", "road-lee")
        introduce(made.services.at(registration(master=IamRole(MASTER))), text, CAUSE)
        assert asks(node_basic, first) == 200
        made.passwords.kept["given"] = second
        assert follow_secrets(made.services.at(made.ledger.registration("demo")), CAUSE) == ("road-lee",)
        assert (asks(node_basic, second), asks(node_basic, first)) == (200, 401)
    finally:
        put_back(node_basic, found)


def asks(node: Node, password: str) -> int:
    answer = requests.get(
        f"{node.url}/_plugins/_security/authinfo", auth=("road-lee", password), verify=str(node.ca), timeout=60
    )
    return answer.status_code
