"""What an Elasticsearch holds, as a deployment file would say it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from portcullis.access.actual import Actual, Json
from portcullis.access.desired import Desired
from portcullis.access.plan import Claim, Grant, Subject
from portcullis.families.base import Adoptable, Choice
from portcullis.families.elasticsearch.documents import compare
from portcullis.families.elasticsearch.documents.config import MEMBERS, NATIVE_USERS, Kind
from portcullis.families.elasticsearch.granting.who_has import administers, let_in_by

SECTIONS = {Kind.ROLES: "roles", Kind.USERS: "users"}
# What a deployment file has no section for: role mappings are made from grants, privileges of applications by the application.
_NO_WORD = {Kind.MAPPINGS: "grant its roles instead", Kind.PRIVILEGES: "its application keeps it"}
# Of a user: what the file says. Their roles are grants, their password is a secret.
_OF_A_USER = ("full_name", "email", "metadata")


def adoptable(
    held: Actual,
    wanted: Desired,
    others: Collection[Claim],
    declared: Mapping[str, Collection[str]],
    choice: Choice,
    subject_of: Callable[[str, str], Subject | None],
    shut_out: str,
) -> Adoptable:
    """What the engine holds and the model does not ask for, as `Family.adoptable` says."""
    found = Adoptable()
    for kind, section in SECTIONS.items():
        for name in sorted(held.of(kind)):
            claim, there, asked = Claim(kind, name), held.get(kind, name) or {}, wanted.of(kind).get(name)
            if held.is_fixed(kind, name) or claim in others or (kind == Kind.USERS and name == shut_out):
                continue
            if asked is not None and compare.same_of(kind, asked, there):
                continue
            more = administers(held, claim, there) and not (asked is not None and administers(held, claim, asked))
            if why := choice.refuses(claim, more):
                found.left += [f"{claim}: {why}"] if why != "-" else []
            elif asked is not None and name not in declared.get(section, ()):
                found.left.append(f"{claim}: differs from what Portcullis or a level makes of it")
            else:
                found.documents[section, name] = _value(kind, there)
    for kind, remedy in _NO_WORD.items():
        for name in sorted(held.of(kind).keys() - wanted.of(kind).keys()):
            if not held.is_fixed(kind, name) and Claim(kind, name) not in others:
                found.left.append(f"{Claim(kind, name)}: a deployment file has no word for it: {remedy}")
    break_glass = let_in_by(held, shut_out)
    for role in sorted(held.of(MEMBERS)):
        for user in held.entries(role, NATIVE_USERS):
            claim = Claim(MEMBERS, role, NATIVE_USERS, user)
            if (
                claim in others
                or wanted.because(role, NATIVE_USERS, user) is not None
                or held.is_fixed(Kind.USERS, user)
            ):
                continue
            subject = subject_of(NATIVE_USERS, user)
            if why := choice.refuses(claim, administers(held, claim)):
                found.left += [f"{claim}: {why}"] if why != "-" else []
            elif claim in break_glass:
                found.left.append(f"{claim}: it lets break-glass in, which only a window of a lock does")
            elif role not in held.of(Kind.ROLES):
                found.left.append(f"{claim}: there is no such role")
            elif subject is None:
                found.left.append(f"{claim}: a deployment file has no word for it")
            else:
                found.grants.append((NATIVE_USERS, user, Grant(subject, role, "adopted")))
    return found


def _value(kind: str, document: Json) -> Json:
    """A document without what says nothing, field by field in the order the engine shows."""
    kept = {key: value for key, value in document.items() if kind != Kind.USERS or key in _OF_A_USER}
    return {key: value for key, value in kept.items() if key == "enabled" or value not in (None, "", [], {})}
