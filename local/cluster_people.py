"""The people of the demo on an Elasticsearch: in IAM and Cognito as everywhere, and users of the same names that its owner made."""

from __future__ import annotations

import secrets

from local.beside import AUTOMATION, BREAK_GLASS, Beside, secret_of
from local.door import client as door
from local.people import Caller, People

APPLICATION = "catalyst"


class ClusterPeople(People):
    """Makes people, and comes to the cluster as them. Nobody has a role there but by a group."""

    def __init__(self, whole: Beside) -> None:
        super().__init__(whole)
        self.whole = whole
        self._there: dict[str, str] = {}  # user of the cluster -> password

    def native(self, name: str) -> str:
        """A user of the cluster without any role."""
        password = secrets.token_urlsafe(18)
        self.whole.as_owner("PUT", f"/_security/user/{name}", {"password": password, "roles": []})
        self._there[name] = password
        return name

    def cognito_user(self, name: str) -> str:
        super().cognito_user(name)
        return name if name in self._there else self.native(name)

    def at_dashboards(self, user: str) -> Caller:
        """On the cluster, as the user of this name."""
        return self.caller(user, self.password(user))

    def password(self, user: str) -> str:
        """Of a user of the cluster who was made here."""
        return self._there[user]

    def iam_user(self, name: str) -> Caller:
        self.aws.client("iam").create_user(UserName=name)
        return self.at_dashboards(self.native(name))

    def application(self) -> Caller:
        """The seed user of the level application, with the password that the automation made."""
        return self.caller(APPLICATION, self.whole.password_in(f"portcullis/demo/{APPLICATION}"))

    def break_glass(self) -> Caller:
        return self.caller(BREAK_GLASS, self._from_secret(BREAK_GLASS))

    def automation(self) -> Caller:
        return self.caller(AUTOMATION, self._from_secret(AUTOMATION))

    def _from_secret(self, user: str) -> str:
        return self.whole.password_in(secret_of(self.whole.deployment, user))

    def caller(self, name: str, password: str) -> Caller:
        session = door.At(f"https://{self.whole.door}", self.whole.door_ca)
        session.auth = (name, password)
        return Caller(name, session)
