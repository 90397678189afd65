"""What only CloudFormation knows of a deployment, as `portcullis.ports.registration` reads it: where its engine is, and as whom we come."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_iam as iam
from portcullis.model import OnCluster
from portcullis.model.elasticsearch.keystores import Keystore

from stacks import names
from stacks.automation import Automation
from stacks.cluster import Beside
from stacks.domain import Domain
from stacks.key import KeyFacts
from stacks.network import Network
from stacks.people.identity import MASTER_USER, Identity


def of_domain(domain: Domain, network: Network, automation: Automation) -> dict[str, Any]:
    identity = domain.identity
    return {
        "family": "opensearch",  # of a domain of Amazon
        "place": {
            "type": "amazon-domain",
            "name": domain.domain.ref,
            "arn": domain.domain_arn,
            "endpoint": domain.domain.attr_domain_endpoint,
            "network": {
                "group": domain.group.security_group_id,
                "automation": network.automation_group.security_group_id,
                "break_glass": network.break_glass_group.security_group_id,
            },
        },
        "key": _key(domain.key),
        "automation": _role(automation.automation_role),
        "break_glass": _role(identity.break_glass),
        "canary": _role(identity.canary),
        **_master(identity),
        "cognito": _cognito(identity),
        "snapshots": {
            "bucket": domain.snapshots.bucket.bucket_name,
            "taker": domain.snapshots.taker.role_arn,
            "store": domain.snapshots.store.role_arn,
        },
    }


def of_cluster(beside: Beside) -> dict[str, Any]:
    """Its users are its owner's, but for the canary, which the automation makes as it makes the users of the file. `elastic` is the
    administrator that every cluster has, whose password is nobody's here."""
    file = beside.one.model
    assert isinstance(file, OnCluster)  # noqa: S101 - it is put beside clusters alone
    glass, canary = file.break_glass, f"portcullis_canary_{beside.one.name}"
    return {
        "family": file.family,
        "place": {
            "type": "cluster",
            "endpoint": file.cluster.endpoint,
            "ca": file.cluster.ca,
            "keystore": _keystore(beside.one.name, file.cluster.keystore),
        },
        "key": _key(beside.key),
        "automation": _user(file.cluster.user, file.cluster.credential),
        "master": _user("elastic", ""),
        "break_glass": _user(glass.user, glass.secret) if glass.user and glass.secret else None,
        "canary": _user(canary, f"portcullis/{beside.one.name}/{canary}"),
        "cognito": {"user_pool": beside.people.pool.user_pool_id} if beside.people.pool else None,
    }


def _keystore(deployment: str, way: Keystore | None) -> dict[str, Any] | None:
    if way is None:
        return None
    if way.ssm:
        return {"type": "ssm", "document": names.of(deployment, names.KEYSTORE), "nodes": way.ssm.nodes}
    if way.elastic_cloud:
        return {"type": "elastic-cloud", **way.elastic_cloud.model_dump()}
    return {"type": "kubernetes", **way.kubernetes.model_dump()} if way.kubernetes else None


def _key(key: KeyFacts) -> dict[str, Any]:
    return {"arn": key.arn, "alias": key.one.key_alias or None, "replicas": list(key.replica_arns)}


def _user(name: str, secret: str) -> dict[str, str]:
    return {"type": "engine-user", "name": name, "secret": secret}


def _role(role: iam.Role) -> dict[str, str]:
    return {"type": "iam-role", "arn": role.role_arn}


def _master(identity: Identity) -> dict[str, Any]:
    """The master; beside a user of the internal user database the role is there all the same, and is watched as the others are."""
    if not (secret := identity.master_secret):
        return {"master": _role(identity.master)}
    user = {"type": "engine-user", "name": MASTER_USER, "secret": secret.secret_arn}
    return {"master": user, "other_roles": [identity.master.role_arn]}


def _cognito(identity: Identity) -> dict[str, Any] | None:
    """None, so that CloudFormation is told nothing of it, where the deployment has no user pool."""
    if not identity.pool:
        return None
    return {
        "user_pool": identity.pool.user_pool_id,
        "identity_pool": identity.identity_pool.ref if identity.identity_pool else None,
        "group_roles": identity.group_roles,
        "bounded_roles": identity.bounded_roles,
    }
