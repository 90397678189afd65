"""Who is in which group now: IAM, Cognito and IAM Identity Center, read as the truth of this moment.

Every answer is in the words of a role mapping: user ARNs and `Cognito/<pool-id>/<username>` are users, role ARNs are backend roles.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from portcullis.access.entries import in_words, unfit
from portcullis.access.plan import By, Grant, Membership, Subject, SubjectKind
from portcullis.clients import error_code, unanswered
from portcullis.errors import PortcullisError, Refused, Unreachable
from portcullis.identity.role_choice import choose_by_token
from portcullis.identity.sessions import deny
from portcullis.operations.ports import Looked

_ABSENT = {"NoSuchEntity", "NoSuchEntityException", "ResourceNotFoundException", "UserNotFoundException"}
_AS_WRITTEN = frozenset(
    {SubjectKind.INTERNAL_USER, SubjectKind.BACKEND_ROLE}
)  # the deployment file says the entry itself
_BY_ARN = frozenset({SubjectKind.IAM_USER, SubjectKind.IAM_ROLE})  # may be named by ARN
_READERS = 4  # groups read at once: IAM and Cognito allow few calls a second

Entries = tuple[str, ...]
T = TypeVar("T")


class AwsIdentity:
    """The IdentityReader protocol. `client(service)` gives a boto3 client; `user_pool` is the deployment's pool id or empty, `account`
    the id of the account that is read."""

    def __init__(
        self, client: Callable[[str], Any], *, user_pool: str = "", identity_store: str = "", account: str = ""
    ) -> None:
        self._client, self._pool, self._store, self._account = client, user_pool, identity_store, account

    def members(self, grants: Collection[Grant]) -> Membership:
        found = self._each(self._tried, grants)
        unread = {subject: why for (subject, _), why in found.items() if isinstance(why, PortcullisError)}
        read = {asked: e for asked, e in found.items() if not isinstance(e, PortcullisError) and asked[0] not in unread}
        return replace(_membership(read), unread=unread)

    def _tried(self, asked: tuple[Subject, By]) -> Entries | PortcullisError | None:
        """As `_read`; one that cannot be read keeps nobody from reading the others."""
        try:
            return self._read(asked)
        except PortcullisError as error:
            return error

    def look(self, grants: Collection[Grant]) -> Looked:
        found = self._each(self._seen, grants)
        unseen = {subject: str(why) for (subject, _), why in found.items() if isinstance(why, PortcullisError)}
        return Looked(
            _membership({asked: e for asked, e in found.items() if not isinstance(e, PortcullisError)}), unseen
        )

    def _each(self, read: Callable[[tuple[Subject, By]], T], grants: Collection[Grant]) -> dict[tuple[Subject, By], T]:
        asked = sorted({(grant.subject, grant.by) for grant in grants})
        found = {one: read(one) for one in asked if one[0].kind in _AS_WRITTEN}
        looked_up = [one for one in asked if one not in found]
        with ThreadPoolExecutor(_READERS) as readers:
            return found | dict(zip(looked_up, readers.map(read, looked_up), strict=True))

    def _seen(self, asked: tuple[Subject, By]) -> Entries | PortcullisError | None:
        """As `_looked_up`; why a subject could not be read is an answer too."""
        try:
            return self._looked_up(*asked)
        except PortcullisError as error:
            denied = error_code(error.__cause__) if isinstance(error, Refused) and error.__cause__ else ""
            return Refused(f"not allowed ({denied})") if denied else error

    def _looked_up(self, subject: Subject, by: By) -> Entries | None:
        """As `_read`, but whether there is somebody of that ARN is asked of IAM, too."""
        if subject.kind not in _BY_ARN or not subject.name.startswith("arn:"):
            return self._read((subject, by))
        account = subject.name.split(":")[4]
        if account != self._account:
            raise Refused(f"it belongs to the account {account}")
        # IAM is asked by name; the path is part of who it is, so another one is somebody else.
        found = self._read((Subject(subject.kind, subject.name.rpartition("/")[2]), by))
        return found if found == (subject.name,) else None

    def choose_roles_by_token(self, identity_pool: str) -> tuple[str, ...]:
        """Have a sign-in get the role its token names, or none; the app clients for which that was not so."""
        return choose_by_token(self._client("cognito-identity"), identity_pool, self._pool)

    def end_sessions(self, entries: Collection[str]) -> int:
        """Sign out everywhere the Cognito users among these entries. Who is gone already has no session."""
        prefix = f"Cognito/{self._pool}/"
        users = [entry.removeprefix(prefix) for entry in entries if self._pool and entry.startswith(prefix)]
        for user in users:
            try:
                self._client("cognito-idp").admin_user_global_sign_out(UserPoolId=self._pool, Username=user)
            except Exception as error:
                if error_code(error) not in _ABSENT:
                    raise Unreachable(f"the sessions of {user} could not be ended: {error_code(error)}") from error
        return len(users)

    def members_of(self, groups: Collection[str]) -> Mapping[str, Entries]:
        """Cognito group -> the entries of its members. A name that a mapping would read as a pattern counts here like any other."""
        by_members = {group: (Subject(SubjectKind.COGNITO_GROUP, group), By.MEMBERS) for group in sorted(groups)}
        with ThreadPoolExecutor(_READERS) as readers:
            found = dict(zip(by_members, readers.map(self._read, by_members.values()), strict=True))
        return {group: entries or () for group, entries in found.items()}

    def deny_older_sessions(self, roles: Collection[str], before: datetime) -> int:
        """Refuse these roles' sessions from before an instant. A later instant that stands already stays; how many were moved on."""
        return sum(deny(self._client("iam"), role, before) for role in roles)

    def _read(self, asked: tuple[Subject, By]) -> Entries | None:
        """The entries of one subject, or None if it does not exist."""
        subject, by = asked
        try:
            return self._entries(subject, by)
        except Exception as error:
            code = error_code(error)
            if code in _ABSENT:
                return None
            if code in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}:
                raise Refused(
                    f"not allowed to read {subject}: {error} (cdk deploy lets the automation read whom a file names)"
                ) from error
            if why := code or unanswered(error):
                raise Unreachable(f"{subject} could not be read: {why}") from error
            raise

    def _entries(self, subject: Subject, by: By) -> Entries:
        name = subject.name
        match subject.kind:
            case SubjectKind.IAM_GROUP:
                pages = self._client("iam").get_paginator("get_group").paginate(GroupName=name)
                return tuple(user["Arn"] for page in pages for user in page["Users"])
            case SubjectKind.IAM_USER:
                return (
                    (name,)
                    if name.startswith("arn:")
                    else (self._client("iam").get_user(UserName=name)["User"]["Arn"],)
                )
            case SubjectKind.IAM_ROLE:
                return (
                    (name,)
                    if name.startswith("arn:")
                    else (self._client("iam").get_role(RoleName=name)["Role"]["Arn"],)
                )
            case SubjectKind.COGNITO_GROUP:
                return self._group_role(name) if by is By.ROLE else self._group_members(name)
            case SubjectKind.COGNITO_USER:
                user = self._client("cognito-idp").admin_get_user(UserPoolId=self._pool_of(subject), Username=name)
                return (self._cognito(user["Username"]),) if user.get("Enabled", True) else ()
            case SubjectKind.IDENTITY_CENTER_GROUP:
                return self._identity_center(name)
            case SubjectKind.INTERNAL_USER | SubjectKind.BACKEND_ROLE:
                return (name,)

    def _pool_of(self, subject: Subject) -> str:
        if not self._pool:
            raise Refused(f"{subject} is granted a role, but the deployment has no user pool")
        return self._pool

    def _cognito(self, username: str) -> str:
        return f"Cognito/{self._pool}/{username}"

    def _group_members(self, group: str) -> Entries:
        pool = self._pool_of(Subject(SubjectKind.COGNITO_GROUP, group))
        pages = (
            self._client("cognito-idp").get_paginator("list_users_in_group").paginate(UserPoolId=pool, GroupName=group)
        )
        # A disabled user stays in the group; he cannot sign in, and what he still holds should not open the door.
        return tuple(
            self._cognito(user["Username"]) for page in pages for user in page["Users"] if user.get("Enabled", True)
        )

    def _group_role(self, group: str) -> Entries:
        pool = self._pool_of(Subject(SubjectKind.COGNITO_GROUP, group))
        role = self._client("cognito-idp").get_group(UserPoolId=pool, GroupName=group)["Group"].get("RoleArn")
        return (role,) if role else ()

    def _identity_center(self, name: str) -> Entries:
        store = self._client("identitystore")
        if not self._store:
            raise Refused(f"identity_center_group:{name} is granted a role, but the deployment names no identity store")
        group = name
        if not _looks_like_id(name):
            unique = {"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": name}}
            group = store.get_group_id(IdentityStoreId=self._store, AlternateIdentifier=unique)["GroupId"]
        pages = store.get_paginator("list_group_memberships").paginate(IdentityStoreId=self._store, GroupId=group)
        ids = [membership["MemberId"]["UserId"] for page in pages for membership in page["GroupMemberships"]]
        return tuple(store.describe_user(IdentityStoreId=self._store, UserId=user)["UserName"] for user in ids)


def _membership(found: Mapping[tuple[Subject, By], Entries | None]) -> Membership:
    users: dict[Subject, Entries] = {}
    roles: dict[Subject, Entries] = {}
    missing, notes = set(), []
    for (subject, by), entries in found.items():
        if entries is None:
            missing.add(subject)
            continue
        # What a deployment file says itself was looked at when the file was read.
        reasons = {} if subject.kind in _AS_WRITTEN else {entry: why for entry in entries if (why := unfit(entry))}
        plain = tuple(entry for entry in entries if entry not in reasons)
        notes += [
            f"{in_words(entry)} of {in_words(str(subject))} is granted nothing: {why}" for entry, why in reasons.items()
        ]
        (roles if _is_backend_role(subject, by) else users)[subject] = plain
    return Membership(users, roles, frozenset(missing), tuple(sorted(set(notes))))


def _is_backend_role(subject: Subject, by: By) -> bool:
    return subject.kind in (SubjectKind.IAM_ROLE, SubjectKind.BACKEND_ROLE) or (
        subject.kind is SubjectKind.COGNITO_GROUP and by is By.ROLE
    )


def _looks_like_id(name: str) -> bool:
    return name.count("-") >= 4 and all(c in "0123456789abcdef-" for c in name.lower())
