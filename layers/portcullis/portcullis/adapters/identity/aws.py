"""Who is in which group now: IAM, Cognito and IAM Identity Center, read as the truth of this moment.

Every answer is in the words of a role mapping: user ARNs and `Cognito/<pool-id>/<username>` are users, role ARNs are backend roles.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

from portcullis.access.one_role import Rank
from portcullis.access.plan import By, Grant, Membership, Subject, SubjectKind
from portcullis.adapters.identity.role_choice import choose_by_token
from portcullis.adapters.identity.sessions import deny
from portcullis.clients import error_code, our_errors, unanswered
from portcullis.correlation import carry
from portcullis.errors import NotAllowed, PortcullisError, Refused, Unreachable
from portcullis.families.opensearch.names.entries import unfit
from portcullis.ports.identity import Heard, Looked, unheard
from portcullis.words import in_words

_ABSENT = {"NoSuchEntity", "NoSuchEntityException", "ResourceNotFoundException", "UserNotFoundException"}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_DENIED_BY_A_POLICY = "explicit deny"  # as AWS's answers say it
_NO_SUCH_NAME = {"InvalidInput", "InvalidParameterException", "ValidationError", "ValidationException"}
_AS_WRITTEN = frozenset(
    {SubjectKind.INTERNAL_USER, SubjectKind.BACKEND_ROLE}
)  # the deployment file says the entry itself
_BY_ARN = frozenset({SubjectKind.IAM_USER, SubjectKind.IAM_ROLE})  # may be named by ARN
_SERVICES = {
    SubjectKind.IAM_USER: "iam",
    SubjectKind.IAM_GROUP: "iam",
    SubjectKind.IAM_ROLE: "iam",
    SubjectKind.COGNITO_USER: "cognito-idp",
    SubjectKind.COGNITO_GROUP: "cognito-idp",
    SubjectKind.IDENTITY_CENTER_GROUP: "identitystore",
}
_READERS = 4  # groups read at once: IAM and Cognito allow few calls a second

Entries = tuple[str, ...]
Found = tuple[tuple[str, str], ...]  # (entry, unique id of who stands behind it; empty where that cannot be looked up)
T = TypeVar("T")


class AwsIdentity:
    """The IdentityReader protocol. `client(service)` gives a boto3 client; `user_pool` is the deployment's pool id or empty, `account`
    the id of the account that is read."""

    def __init__(
        self, client: Callable[[str], Any], *, user_pool: str = "", identity_store: str = "", account: str = ""
    ) -> None:
        self._client, self._pool, self._store, self._account = client, user_pool, identity_store, account

    def members(self, grants: Collection[Grant]) -> Membership:
        found = self._each(grants)
        unread = {subject: why for (subject, _), why in found.items() if isinstance(why, PortcullisError)}
        return _membership(found, unread)

    def look(self, grants: Collection[Grant]) -> Looked:
        found = self._each(grants)
        unseen = {subject: _short(why) for (subject, _), why in found.items() if isinstance(why, PortcullisError)}
        for (subject, by), seen in list(found.items()):
            if account := self._other_account(subject.name if subject.kind in _BY_ARN else ""):
                unseen[subject] = f"it belongs to the account {account}"
                del found[subject, by]
            elif isinstance(seen, PortcullisError):
                del found[subject, by]
        return Looked(_membership(found, {}), unseen)

    def _each(self, grants: Collection[Grant]) -> dict[tuple[Subject, By], Answer]:
        """What was found of each. Why one could not be read is an answer too: it keeps nobody from reading the others."""
        asked = sorted({(grant.subject, grant.by) for grant in grants})

        def read(one: tuple[Subject, By]) -> Answer:
            try:
                return self._read(one)
            except PortcullisError as error:
                return error

        here = {one: read(one) for one in asked if one[0].kind in _AS_WRITTEN}
        looked_up = [one for one in asked if one not in here]
        with ThreadPoolExecutor(_READERS, initializer=carry()) as readers:
            return here | dict(zip(looked_up, readers.map(read, looked_up), strict=True))

    def choose_roles_by_token(self, identity_pool: str, found: Heard = unheard) -> tuple[str, ...]:
        """Have a sign-in get the role its token names, or none; the app clients for which that was not so, which `found` is given before
        that is changed."""
        return choose_by_token(self._client("cognito-identity"), identity_pool, self._pool, found)

    def end_sessions(self, entries: Collection[str]) -> int:
        """Sign out everywhere the Cognito users among these entries. Who is gone already has no session. Each is tried, though another one
        could not be signed out: what kept one from it is raised at the end."""
        prefix = f"Cognito/{self._pool}/"
        users = [entry.removeprefix(prefix) for entry in entries if self._pool and entry.startswith(prefix)]
        failed = list[PortcullisError]()
        for user in users:
            try:
                self._sign_out(user)
            except PortcullisError as error:
                failed.append(error)
        if failed:
            raise failed[0]
        return len(users)

    def _sign_out(self, user: str) -> None:
        with our_errors(
            f"the sessions of {user} could not be ended", refused=f"not allowed to end the sessions of {user}"
        ):
            try:
                self._client("cognito-idp").admin_user_global_sign_out(UserPoolId=self._pool, Username=user)
            except Exception as error:
                if error_code(error) not in _ABSENT:
                    raise

    def members_of(self, groups: Collection[str]) -> Mapping[str, Entries]:
        """Cognito group -> the entries of its members. A name that a mapping would read as a pattern counts here like any other."""
        by_members = {group: (Subject(SubjectKind.COGNITO_GROUP, group), By.MEMBERS) for group in sorted(groups)}
        with ThreadPoolExecutor(_READERS, initializer=carry()) as readers:
            found = dict(zip(by_members, readers.map(self._read, by_members.values()), strict=True))
        return {group: tuple(entry for entry, _ in members or ()) for group, members in found.items()}

    def ranks(self, groups: Collection[str]) -> Mapping[str, Rank]:
        """Group -> its role and precedence, of those that have a role."""

        def read(group: str) -> Mapping[str, Any]:
            subject = Subject(SubjectKind.COGNITO_GROUP, group)
            return self._answered(subject, lambda: self._described(subject)) or {}

        asked = sorted(groups)
        with ThreadPoolExecutor(_READERS, initializer=carry()) as readers:
            found = dict(zip(asked, readers.map(read, asked), strict=True))
        return {name: Rank(one["RoleArn"], one.get("Precedence")) for name, one in found.items() if one.get("RoleArn")}

    def deny_older_sessions(self, roles: Collection[str], before: datetime) -> int:
        """Refuse these roles' sessions from before an instant. A later instant that stands already stays; how many were moved on. Each is
        tried, though another one may not be written to: what kept one from being denied is raised at the end."""
        moved, failed = 0, list[PortcullisError]()
        for role in roles:
            try:
                moved += deny(self._client("iam"), role, before)
            except PortcullisError as error:
                failed.append(error)
        if failed:
            raise failed[0]
        return moved

    def _read(self, asked: tuple[Subject, By]) -> Found | None:
        """Who is behind one subject, or None if it does not exist. Refused if it cannot be read, Unreachable if nobody answered."""
        subject, by = asked
        return self._answered(subject, lambda: self._found(subject, by))

    def _answered(self, subject: Subject, ask: Callable[[], T | None]) -> T | None:
        try:
            return ask()
        except PortcullisError:
            raise
        except Exception as error:
            code = error_code(error)
            if code in _ABSENT:
                return None
            if code in _DENIED:
                raise _not_allowed(subject, error) from error
            if code in _NO_SUCH_NAME or type(error).__name__ == "ParamValidationError":
                raise Refused(f"there can be no {subject}: {error}") from error
            if why := code or unanswered(error):
                raise Unreachable(f"{subject} could not be read: {why}") from error
            raise

    def _found(self, subject: Subject, by: By) -> Found | None:
        name = subject.name
        match subject.kind:
            case SubjectKind.IAM_GROUP:
                pages = self._client("iam").get_paginator("get_group").paginate(GroupName=name)
                return tuple((user["Arn"], user["UserId"]) for page in pages for user in page["Users"])
            case SubjectKind.IAM_USER:
                return self._of_iam(name, lambda iam, plain: iam.get_user(UserName=plain)["User"], "UserId")
            case SubjectKind.IAM_ROLE:
                return self._role(name)
            case SubjectKind.COGNITO_GROUP:
                return self._group_role(name) if by is By.ROLE else self._group_members(name)
            case SubjectKind.COGNITO_USER:
                user = self._client("cognito-idp").admin_get_user(UserPoolId=self._pool_of(subject), Username=name)
                if user["Username"] != name:
                    return None  # the pool answers to an alias (a mail address, a sub) or another spelling: that is not who was named
                return ((self._cognito(name), _sub(user["UserAttributes"])),) if user.get("Enabled", True) else ()
            case SubjectKind.IDENTITY_CENTER_GROUP:
                return self._identity_center(name)
            case SubjectKind.INTERNAL_USER | SubjectKind.BACKEND_ROLE:
                return ((name, ""),)

    def _role(self, name: str) -> Found | None:
        return self._of_iam(name, lambda iam, plain: iam.get_role(RoleName=plain)["Role"], "RoleId")

    def _of_iam(self, name: str, get: Callable[[Any, str], Mapping[str, str]], identifier: str) -> Found | None:
        """A user or role by name or ARN. IAM is asked by name; the path is part of who it is, so another one is somebody else."""
        if self._other_account(name):
            return ((name, ""),)  # nobody here can tell who that is
        found = get(self._client("iam"), _last(name))
        # IAM keeps names apart without regard to case.
        same = name == found["Arn"] if name.startswith("arn:") else name.casefold() == _last(found["Arn"]).casefold()
        return ((found["Arn"], found[identifier]),) if same else None

    def _other_account(self, name: str) -> str:
        """The account of an ARN that is not the one we read; empty for our own and for a plain name."""
        account = name.split(":")[4] if name.startswith("arn:") else ""
        return account if account != self._account else ""

    def _pool_of(self, subject: Subject) -> str:
        if not self._pool:
            raise Refused(f"{subject} is granted a role, but the deployment has no user pool")
        return self._pool

    def _cognito(self, username: str) -> str:
        return f"Cognito/{self._pool}/{username}"

    def _group_members(self, group: str) -> Found:
        pool = self._pool_of(Subject(SubjectKind.COGNITO_GROUP, group))
        pages = (
            self._client("cognito-idp").get_paginator("list_users_in_group").paginate(UserPoolId=pool, GroupName=group)
        )
        # A disabled user stays in the group; he cannot sign in, and what he still holds should not open the door.
        return tuple(
            (self._cognito(user["Username"]), _sub(user.get("Attributes", ())))
            for page in pages
            for user in page["Users"]
            if user.get("Enabled", True)
        )

    def _group_role(self, group: str) -> Found:
        """The role that a token of the group names; none, if it names one that is no longer there."""
        role = self._described(Subject(SubjectKind.COGNITO_GROUP, group)).get("RoleArn")
        return (self._read((Subject(SubjectKind.IAM_ROLE, role), By.MEMBERS)) or ()) if role else ()

    def _described(self, subject: Subject) -> Mapping[str, Any]:
        pool = self._pool_of(subject)
        found: Mapping[str, Any] = self._client("cognito-idp").get_group(UserPoolId=pool, GroupName=subject.name)[
            "Group"
        ]
        return found

    def _identity_center(self, name: str) -> Found:
        store = self._client("identitystore")
        if not self._store:
            raise Refused(f"identity_center_group:{name} is granted a role, but the deployment names no identity store")
        group = name
        if not _looks_like_id(name):
            unique = {"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": name}}
            group = store.get_group_id(IdentityStoreId=self._store, AlternateIdentifier=unique)["GroupId"]
        pages = store.get_paginator("list_group_memberships").paginate(IdentityStoreId=self._store, GroupId=group)
        ids = [membership["MemberId"]["UserId"] for page in pages for membership in page["GroupMemberships"]]
        return tuple((store.describe_user(IdentityStoreId=self._store, UserId=one)["UserName"], one) for one in ids)


Answer = Found | PortcullisError | None


def _membership(found: Mapping[tuple[Subject, By], Answer], unread: dict[Subject, PortcullisError]) -> Membership:
    users: dict[Subject, Entries] = {}
    roles: dict[Subject, Entries] = {}
    ids: dict[str, str] = {}
    missing, notes = set(), []
    for (subject, by), answer in found.items():
        if answer is None:
            missing.add(subject)
        if answer is None or isinstance(answer, PortcullisError):
            continue
        # What a deployment file says itself was looked at when the file was read.
        reasons = {} if subject.kind in _AS_WRITTEN else {entry: why for entry, _ in answer if (why := unfit(entry))}
        notes += [
            f"{in_words(entry)} of {in_words(str(subject))} is granted nothing: {why}" for entry, why in reasons.items()
        ]
        ids |= {entry: one for entry, one in answer if one}
        as_role = Grant(subject, "", "", by).is_backend_role
        (roles if as_role else users)[subject] = tuple(entry for entry, _ in answer if entry not in reasons)
    return Membership(users, roles, frozenset(missing), tuple(sorted(set(notes))), ids, unread)


def _not_allowed(subject: Subject, error: Exception) -> Refused:
    """What is denied by somebody's policy no deploy of ours allows."""
    said = f"not allowed to read {subject}: {error}"
    if _DENIED_BY_A_POLICY in str(error):
        return Refused(said)
    action = f"{_SERVICES[subject.kind]}:{getattr(error, 'operation_name', '')}"
    return NotAllowed(f"{said} (cdk deploy lets the automation read whom a file names)", action=action)


def _short(why: PortcullisError) -> str:
    denied = error_code(why.__cause__) if isinstance(why, Refused) and why.__cause__ else ""
    return f"not allowed ({denied})" if denied in _DENIED else str(why)


def _sub(attributes: Collection[Mapping[str, str]]) -> str:
    return next((one["Value"] for one in attributes if one["Name"] == "sub"), "")


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]


def _looks_like_id(name: str) -> bool:
    return name.count("-") >= 4 and all(c in "0123456789abcdef-" for c in name.lower())
