"""What brings somebody to a page where the deployment is an Elasticsearch cluster that runs elsewhere, as far as that differs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from portcullis.errors import Refused

from local.rehearsal.stand import DEPLOYMENT, Incident, Stand, done, ledger_of

USERS = "/_security/user"
APPLICATION, STRANGER = "catalyst", "stranger"  # a seed user of the file, and one whom nothing asks for


@contextmanager
def a_trigger_was_added(stand: Stand) -> Iterator[None]:
    """It may put any name into a token that the pool signs."""
    pools, pool = stand.client("cognito-idp"), _pool(stand)
    done(stand, "roads", DEPLOYMENT)
    function = "arn:aws:lambda:eu-central-1:111122223333:function:of-nobody-known"
    pools.update_user_pool(UserPoolId=pool, LambdaConfig={"PreTokenGeneration": function})
    try:
        yield
    finally:
        pools.update_user_pool(UserPoolId=pool, LambdaConfig={})
        done(stand, "roads", DEPLOYMENT)


@contextmanager
def somebody_edited_by_hand(stand: Stand) -> Iterator[None]:
    """What Portcullis set and this took away is put back by the page; what somebody made is not, and goes at the end."""
    _change(stand, APPLICATION, roles=[])
    stand.engine("PUT", f"{USERS}/{STRANGER}", {"password": secrets.token_urlsafe(18), "roles": ["superuser"]})
    try:
        yield
    finally:
        stand.engine("DELETE", f"{USERS}/{STRANGER}")
        done(stand, "apply", DEPLOYMENT)


@contextmanager
def a_leaver_has_a_key(stand: Stand) -> Iterator[None]:
    """They made it while they had a role. It keeps what they could do then, whatever becomes of them."""
    if "\nengine: elasticsearch-6.8" in ledger_of(stand).model(DEPLOYMENT).text:
        raise Refused("nothing to play on 6.8: whoever has no right to write access makes no key there")
    pools, pool, who = stand.client("cognito-idp"), _pool(stand), f"leaver-{uuid4().hex[:8]}"
    password, group = secrets.token_urlsafe(18), {"UserPoolId": pool, "Username": who, "GroupName": "analysts"}
    stand.engine("PUT", f"{USERS}/{who}", {"password": password, "roles": []})
    pools.admin_create_user(UserPoolId=pool, Username=who, MessageAction="SUPPRESS")
    try:
        pools.admin_add_user_to_group(**group)
        done(stand, "synchronise", DEPLOYMENT)
        of_theirs = {"grant_type": "password", "username": who, "password": password, "api_key": {"name": "a-script"}}
        key = stand.engine("POST", "/_security/api_key/grant", of_theirs)["id"]
        pools.admin_remove_user_from_group(**group)
        done(stand, "synchronise", DEPLOYMENT)
        yield
        stand.engine("DELETE", "/_security/api_key", {"ids": [key]})
    finally:
        pools.admin_delete_user(UserPoolId=pool, Username=who)
        stand.engine("DELETE", f"{USERS}/{who}")
        done(stand, "synchronise", DEPLOYMENT)


def _change(stand: Stand, user: str, **changed: Any) -> None:
    """A user is put whole."""
    held = stand.engine("GET", f"{USERS}/{user}")[user]
    stand.engine(
        "PUT", f"{USERS}/{user}", {**{name: one for name, one in held.items() if name != "username"}, **changed}
    )


def _pool(stand: Stand) -> str:
    cognito = ledger_of(stand).registration(DEPLOYMENT).cognito
    if cognito is None:
        raise RuntimeError(f"{DEPLOYMENT} has no user pool")
    return cognito.user_pool


INCIDENTS: Mapping[str, Incident] = {
    "another-road": Incident(
        "somebody adds a trigger to the user pool, which may change its tokens", a_trigger_was_added
    ),
    "drift": Incident(
        "somebody takes the application's role away on the cluster, and makes a stranger a super user",
        somebody_edited_by_hand,
    ),
    "what-leavers-hold": Incident(
        "somebody leaves a group that has a role, and still has an API key that they made before", a_leaver_has_a_key
    ),
}
WITHOUT: Mapping[str, str] = {
    "delete-and-shred": "a cluster that runs elsewhere is deleted where it runs, and its key is its owner's",
    "re-key": "a cluster that runs elsewhere gets another key where it runs",
}
