"""Tutorial "IAM Master User and Amazon Cognito", step by step. Numbers are those of the guide."""

from __future__ import annotations

import json
from dataclasses import replace

from msgspec import structs
from portcullis.adapters.identity.aws import AwsIdentity
from portcullis.ports.registration import Cognito, IamRole

from local.door import client
from tests.local.door_world import DOMAIN, MASTER, World, allow
from tests.operations.worlds import registration
from tests.tutorials import flights
from tests.tutorials.stage import NEW_ROLE, PLUGINS, Cast, as_portcullis, as_session, new_password, ok

MASTER_GROUP, LIMITED_GROUP = "master-user-group", "limited-user-group"
LIMITED_ROLE = "IAMLimitedUserRole"


def trust(world: World) -> dict[str, object]:
    """Step 4's document, with the identity pool's id in it."""
    return {
        "Effect": "Allow",
        "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {"cognito-identity.amazonaws.com:aud": world.identity_pool},
            "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
        },
    }


class SignIn:
    """Steps 1 to 20: everything around the domain. Once per world; `people` are user name -> password."""

    def __init__(self, world: World) -> None:
        self.world, self.people = world, {"master-user": new_password(), "limited-user": new_password()}
        iam, cognito = world.aws.client("iam"), world.aws.client("cognito-idp")
        # 1. A domain with an IAM role as the master (IAMMasterUserRole is MASTER here), Cognito for Dashboards, an open access
        #    policy, HTTPS only: the world's. Encryption at rest and between nodes are the stacks' to ask for.
        world.access_policy(allow(["*"], Action=["es:ESHttp*"]))
        # 2.-5. The master role's trust relationship lets the identity pool's people take it, beside whom it trusted before.
        document = iam.get_role(RoleName="Master")["Role"]["AssumeRolePolicyDocument"]
        document = json.loads(document) if isinstance(document, str) else document
        before = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
        self._trusted_before = json.dumps({**document, "Statement": before})
        both = {"Version": "2012-10-17", "Statement": [*before, trust(world)]}
        iam.update_assume_role_policy(RoleName="Master", PolicyDocument=json.dumps(both))
        # 6. The same trust policy for the second role.
        self.limited_role = world.role(LIMITED_ROLE, **trust(world))
        # 7.-10. Two users of the user pool.
        for name, password in self.people.items():
            cognito.admin_create_user(
                UserPoolId=world.pool, Username=name, TemporaryPassword=password, MessageAction="SUPPRESS"
            )
        # 11.-13. Two groups, each with its role.
        cognito.create_group(UserPoolId=world.pool, GroupName=MASTER_GROUP, RoleArn=MASTER)
        cognito.create_group(UserPoolId=world.pool, GroupName=LIMITED_GROUP, RoleArn=self.limited_role)
        # 14.-15. Each user into a group.
        self.join("master-user", MASTER_GROUP)
        self.join("limited-user", LIMITED_GROUP)
        # 16.-20. The identity pool: choose role from token, for this user pool and app client; role resolution DENY.
        world.roles("Deny", authenticated=world.web_role("Anyone"))

    def join(self, user: str, group: str) -> None:
        self.world.aws.client("cognito-idp").admin_add_user_to_group(
            UserPoolId=self.world.pool, Username=user, GroupName=group
        )

    def browser(self, user: str) -> client.At:
        """Navigate to Dashboards, sign in: a window of one's own."""
        cognito = self.world.aws.client("cognito-idp")
        token = client.sign_in(cognito, self.world.pool, self.world.app_client, user, self.people[user])
        return self.world.dashboards(token)

    def put_back(self) -> None:
        """The user pool, the identity pool and the master role as they were."""
        cognito, iam = self.world.aws.client("cognito-idp"), self.world.aws.client("iam")
        for user in self.people:
            cognito.admin_delete_user(UserPoolId=self.world.pool, Username=user)
        for group in (MASTER_GROUP, LIMITED_GROUP):
            cognito.delete_group(UserPoolId=self.world.pool, GroupName=group)
        self.world.roles(authenticated=self.world.web_role("Anyone"))
        iam.update_assume_role_policy(RoleName="Master", PolicyDocument=self._trusted_before)
        iam.delete_role(RoleName=LIMITED_ROLE)


def by_hand(sign_in: SignIn, api: str = PLUGINS) -> Cast:
    """Steps 21 to 37, through the security API instead of the forms of Dashboards, at the Dashboards door."""
    # 21.-22. Sign in with master-user.
    master = sign_in.browser("master-user")
    # 23.-24. Add the sample flight data.
    flights.add(master)
    # 25.-28. Role new-role: kibana_sample_data_fli*, read.
    # 29. Its document-level query, after a test of its syntax.
    query = json.loads(NEW_ROLE["index_permissions"][0]["dls"])
    assert ok(master.get(f"/{flights.INDEX}/_validate/query", json={"query": query}))["valid"]
    # 30.-32. Exclude FlightNum, anonymize Dest, save.
    ok(master.put(f"{api}/roles/new-role", json=NEW_ROLE))
    # 33.-34. Map new-role to the ARN of IAMLimitedUserRole.
    ok(master.put(f"{api}/rolesmapping/new-role", json={"backend_roles": [sign_in.limited_role]}))
    # 35.-36. kibana_user too.
    ok(master.put(f"{api}/rolesmapping/kibana_user", json={"backend_roles": [sign_in.limited_role]}))
    # 37. In a new, private window, sign in using limited-user.
    return _cast(sign_in, master)


def by_portcullis(sign_in: SignIn) -> Cast:
    """The same from a deployment file. The automation signs its calls at the API door, the groups are read from Cognito."""
    world = sign_in.world
    master = sign_in.browser("master-user")
    flights.add(master)
    automation = world.role("portcullis-automation")
    registered = registration("flights-sign-in", DOMAIN, master=IamRole(MASTER), automation=IamRole(automation))
    at_work = as_portcullis(
        "flights-sign-in.yaml",
        structs.replace(registered, cognito=Cognito(world.pool)),
        automation=as_session(world.signed(world.session(automation))),
        master=as_session(world.master),
        identity=AwsIdentity(world.aws.client, user_pool=world.pool),
    )
    return replace(_cast(sign_in, master), world=at_work)


def _cast(sign_in: SignIn, master: client.At) -> Cast:
    limited = sign_in.browser("limited-user")
    role = sign_in.limited_role
    return Cast("cognito", sign_in.world.node, master, limited, role, ("backend_roles", role))
