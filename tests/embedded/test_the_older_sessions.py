"""Whoever leaves a group with a role of its own is refused with what she holds; members who stay sign in again, and are let in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from local.people import Caller, until
from tests.embedded.scene import Scene
from tests.embedded.test_the_refusals import with_statement

pytestmark = pytest.mark.embedded
ORDERS = "catalyst-orders-held"


@dataclass
class Held:
    """What somebody holds: a token, and credentials that were fetched with it."""

    user: str
    token: str
    caller: Caller

    @property
    def may_search(self) -> bool:
        return self.caller.may_search(ORDERS)


class Analysts:
    """The group `analysts`, which is granted its role by role, and what its members hold."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.people = scene, scene.people
        status, _ = scene.up.node.ask("PUT", f"/{ORDERS}/_doc/1?refresh=true", {"region": "eu", "order": 1})
        assert status in (200, 201)
        self.joined: set[str] = set()

    def join(self, *names: str) -> None:
        for name in names:
            self.people.join(self.people.cognito_user(name), "analysts")
            self.joined.add(name)
        until(lambda: all(any(one.endswith(f"/{name}") for one in self.seen) for name in names), what="they are seen")
        self.scene.quiet()

    @property
    def seen(self) -> list[str]:
        """Who was in the group at the last look."""
        kept = self.scene.ledger.saved("demo", "role-members") or {"members": {}}
        return list(kept["members"].get("analysts", ()))

    def leave(self, name: str) -> None:
        self.people.leave(name, "analysts")
        self.joined.discard(name)

    def signed_in(self, name: str) -> Held:
        token = self.people.token(name)
        return Held(name, token, self.people.with_token(name, token))

    def again(self, name: str) -> None:
        """Signs in anew until that is let in, as sessions are told apart by the second."""
        until(lambda: self.signed_in(name).may_search, within=20, what=f"{name} is let in again")


@pytest.fixture
def analysts(scene: Scene) -> Iterator[Analysts]:
    one = Analysts(scene)
    yield one
    for name in sorted(one.joined):
        one.leave(name)
    scene.quiet()


def test_a_leavers_credentials_are_refused_and_who_stays_signs_in_again(scene: Scene, analysts: Analysts) -> None:
    """Both hold credentials of the group's role. The one who left gets no new ones, the one who stays is let in after a new sign-in."""
    # Given two analysts who hold credentials of the group's role, and one at Dashboards
    analysts.join("lena.held", "kurt.stays")
    lena, kurt = analysts.signed_in("lena.held"), analysts.signed_in("kurt.stays")
    dashboards = scene.people.at_dashboards("kurt.stays")
    assert lena.may_search
    assert kurt.may_search
    assert dashboards.may_search(ORDERS)
    # When one leaves the group
    analysts.leave("lena.held")
    # Then what she holds is refused, and her token fetches nothing new
    until(lambda: not lena.may_search, within=30, what="what lena holds is refused")
    said = lena.caller.ask("GET", f"/{ORDERS}/_search").json()["Message"]
    assert "with an explicit deny in an identity-based policy" in said
    with pytest.raises(ClientError, match="NotAuthorized"):
        scene.people.with_token(lena.user, lena.token)
    # And who stays is refused once, with what he held before, and let in when he signs in again
    assert not kurt.may_search
    assert not dashboards.may_search(ORDERS)
    analysts.again("kurt.stays")
    assert not lena.may_search
    # And the history says what was done, to whom
    told = [one for one in scene.cast.operate("history", deployment="demo") if one["operation"] == "end sessions"]
    assert told[0]["after"] == [f"Cognito/{scene.people.pool}/lena.held left analysts"]
    assert "sessions of analysts from before" in told[0]["summary"]


def test_with_no_event_at_all_the_sweep_finds_who_left(scene: Scene, analysts: Analysts) -> None:
    analysts.join("mona.unseen")
    mona = analysts.signed_in("mona.unseen")
    assert mona.may_search
    scene.aws.admin("weather", lose=True)
    analysts.leave("mona.unseen")
    assert mona.may_search
    scene.aws.admin("mend")
    scene.swept()
    assert not mona.may_search


def test_a_lock_ends_what_is_held_and_an_unlock_does_not_bring_it_back(scene: Scene, analysts: Analysts) -> None:
    analysts.join("nils.locked")
    nils = analysts.signed_in("nils.locked")
    assert nils.may_search
    scene.kms.disable_key(KeyId=scene.key)
    scene.until_locked()
    assert not nils.may_search
    scene.kms.enable_key(KeyId=scene.key)
    scene.as_before()
    assert not nils.may_search
    analysts.again("nils.locked")


def test_a_leaver_who_cannot_be_signed_out_is_refused_with_what_they_hold(scene: Scene, analysts: Analysts) -> None:
    """The one way does not wait for the other. What is left is told with the right that is missing, and made up for once it is back."""
    analysts.join("ines.stays.signed.in")
    ines, right = analysts.signed_in("ines.stays.signed.in"), "cognito-idp:AdminUserGlobalSignOut"
    assert ines.may_search
    never = {"Effect": "Deny", "Action": right, "Resource": "*"}
    with with_statement(scene, never, "identity_sync"):
        analysts.leave("ines.stays.signed.in")
        until(lambda: not ines.may_search, what="their older session is refused")
        until(lambda: scene.told("sessions-not-ended"), within=90, what="it is told")
        assert f"not authorized to perform: {right}" in scene.told("sessions-not-ended")[0]["happened"]
        assert not scene.recorded("end sessions")
    scene.swept()
    assert len(scene.recorded("end sessions")) == 1
    assert not ines.may_search
