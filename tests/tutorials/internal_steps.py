"""Tutorial "Internal User Database and HTTP Basic Authentication", step by step. Numbers are those of the guide."""

from __future__ import annotations

import json
from dataclasses import replace

from portcullis.ports.registration import EngineUser, IamRole

from local.door.client import At
from local.node.node import Node
from tests.operations.worlds import Passwords, People, arn, registration
from tests.tutorials import flights
from tests.tutorials.stage import NEW_ROLE, PLUGINS, Cast, as_portcullis, as_session, new_password, ok

MASTER, USER, BACKEND_ROLE = "TheMasterUser", "new-user", "new-backend-role"
AUTOMATION, SECRET = "portcullis-automation", "portcullis/flights-internal/new-user"


def window(node: Node, user: str, password: str) -> At:
    """A browser window, or curl, signed in with user name and password."""
    session = At(node.url, node.ca)
    session.auth = (user, password)
    return session


def by_hand(node: Node, api: str = PLUGINS) -> Cast:
    """Steps 1 to 20, through the security API instead of the forms of Dashboards."""
    # 1. A domain whose master TheMasterUser is in the internal user database, no Cognito, HTTPS only: the node's.
    # 2.-3. Sign in using TheMasterUser.
    master = window(node, MASTER, node.password)
    # 4.-5. Add the sample flight data.
    flights.add(master)
    # 6.-7. Internal user new-user, with a password and the backend role new-backend-role.
    password = new_password()
    ok(master.put(f"{api}/internalusers/{USER}", json={"password": password, "backend_roles": [BACKEND_ROLE]}))
    # 8.-11. Role new-role: kibana_sample_data_fli*, action group read.
    # 12. Its document-level query, after a test of its syntax.
    query = json.loads(NEW_ROLE["index_permissions"][0]["dls"])
    assert ok(master.get(f"/{flights.INDEX}/_validate/query", json={"query": query}))["valid"]
    # 13.-15. Exclude FlightNum, anonymize Dest, save.
    ok(master.put(f"{api}/roles/new-role", json=NEW_ROLE))
    # 16.-17. Map new-role to the backend role.
    ok(master.put(f"{api}/rolesmapping/new-role", json={"backend_roles": [BACKEND_ROLE]}))
    # 18.-19. Map kibana_user to the user.
    ok(master.put(f"{api}/rolesmapping/kibana_user", json={"users": [USER]}))
    # 20. In a new, private window, sign in using new-user.
    return _cast(node, master, password)


def by_portcullis(node: Node) -> Cast:
    """The same from a deployment file. The password is found where Portcullis put it.

    On Amazon the automation signs its calls under this configuration as under any other; this node knows user names and passwords
    only, so the automation is a user whose one backend role is the ARN that it would come with.
    """
    master = window(node, MASTER, node.password)
    flights.add(master)
    role, password = arn("role", AUTOMATION), new_password()
    kept = Passwords()
    kept.kept[SECRET] = new_password()  # as Secrets Manager makes one: the engine refuses what is like the user's name
    ok(master.put(f"{PLUGINS}/internalusers/{AUTOMATION}", json={"password": password, "backend_roles": [role]}))
    master_user = EngineUser(MASTER, "the-masters")
    registered = registration("flights-internal", "flights", master=master_user, automation=IamRole(role), cognito=None)
    at_work = as_portcullis(
        "flights-internal.yaml",
        registered,
        automation=as_session(window(node, AUTOMATION, password)),
        master=as_session(master),
        identity=People(),
        passwords=kept,
    )
    return replace(_cast(node, master, kept.kept[SECRET]), world=at_work)


def _cast(node: Node, master: At, password: str) -> Cast:
    limited = window(node, USER, password)
    return Cast("internal", node, master, limited, BACKEND_ROLE, ("users", USER))
