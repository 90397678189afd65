"""The access model of a deployment in Elasticsearch's form: roles, one role mapping a role, and the roles of native users. Pure.

People reach an engine in one of two ways. Through a realm of tokens: then each role of a deployment has one role mapping, ours as a whole,
whose rule is bound to that realm. Or as native users: then the role stands in the user's own list, each entry of it claimed by itself,
and a rule says how somebody of IAM or Cognito is called there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from portcullis.access.actual import Json
from portcullis.access.desired import Desired, Granted, granted
from portcullis.access.plan import OF_POOL, AccessModel, By, Claim, Grant, Membership, People, SubjectKind, name_in_pool
from portcullis.families.elasticsearch.documents.config import NATIVE_USERS, SUPERUSER, Kind
from portcullis.families.elasticsearch.known.names import is_pattern
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import holds

DASHBOARD_ONLY = "kibana_dashboard_only_user"
# What that role gave where it is no more.
_LOOKS_AT_DASHBOARDS: Json = {
    "applications": [{"application": "kibana-.kibana", "privileges": ["read"], "resources": ["*"]}]
}


def desired(model: AccessModel, members: Membership) -> Desired:
    """What an engine should hold. The documents of the model are in Elasticsearch's form. Raises as `access.desired.granted` does.

    A role mapping of which somebody could not be read stays as it is: it is one document, and nobody is taken out of it unseen.
    """
    people = model.people or People("")
    native = [grant for grant in model.grants if grant.subject.kind is SubjectKind.INTERNAL_USER]
    by_group = [grant for grant in model.grants if _by_group(grant, people)]
    rest = [grant for grant in model.grants if grant not in native and grant not in by_group]
    kept, found = granted(native, members), granted(rest, members)
    notes = [*kept.notes, *found.notes]
    entries = {role: {NATIVE_USERS: dict(of["users"])} for role, of in kept.entries.items()}
    mappings: dict[str, Json] = {}
    if people.realm:
        mappings = _mappings(found, by_group, people, notes)
    else:
        for role, names in _native(found, people, notes).items():
            entries.setdefault(role, {NATIVE_USERS: {}})[NATIVE_USERS].update(names)
    documents: dict[str, Mapping[str, Json]] = {
        Kind.ROLES: model.roles,
        Kind.USERS: model.users,
        Kind.MAPPINGS: mappings,
    }
    unsure = (mapping_name(people.deployment, role) for role in found.unsure if people.realm)
    untouched = frozenset(Claim(Kind.MAPPINGS, name) for name in unsure)
    roles = frozenset(grant.role for grant in model.grants)
    return Desired(documents, entries, tuple(dict.fromkeys(notes)), kept.unsure | found.unsure, untouched, roles)


def _by_group(grant: Grant, people: People) -> bool:
    """A group that the token itself names needs nobody's name."""
    return bool(people.realm) and grant.subject.kind is SubjectKind.COGNITO_GROUP and grant.by is By.ROLE


def _mappings(found: Granted, by_group: Sequence[Grant], people: People, notes: list[str]) -> dict[str, Json]:
    roles = sorted({*found.entries, *(grant.role for grant in by_group)})
    made: dict[str, Json] = {}
    for role in roles:
        lists = found.entries.get(role, {})
        names = [name_of(entry) for entry in lists.get("users", {})]
        groups = [grant.subject.name for grant in by_group if grant.role == role]
        # A plain string is the name of a group; a role of IAM is nobody who has a token of this realm.
        of_iam = [entry for entry in lists.get("backend_roles", {}) if entry.startswith("arn:")]
        groups += [entry for entry in lists.get("backend_roles", {}) if entry not in of_iam]
        notes += [f"{entry} has no token of {people.realm}, so that it cannot be let into {role}" for entry in of_iam]
        for word in (*names, *groups):
            if why := unfit(word):
                notes.append(f"{word} is not let into {role}: {why}")
        document = mapping(
            role, people.realm, [one for one in names if not unfit(one)], [one for one in groups if not unfit(one)]
        )
        if document is not None:
            made[mapping_name(people.deployment, role)] = document
    return made


def mapping_name(deployment: str, role: str) -> str:
    """What the role mapping of a deployment's role is called."""
    return f"portcullis/{deployment}/{role}"


def mapping(role: str, realm: str, names: Collection[str] = (), groups: Collection[str] = ()) -> Json | None:
    """The role mapping that lets these people of one realm into a role; None for nobody, as the engine takes no empty list."""
    given = (("username", names), ("groups", groups))
    who = [{"field": {field: sorted(set(words))}} for field, words in given if words]
    if not who:
        return None
    return {"enabled": True, "roles": [role], "rules": {"all": [{"field": {"realm.name": realm}}, {"any": who}]}}


def unfit(name: str) -> str:
    """Why a name must not stand in a role mapping, as the end of a sentence; empty if it may."""
    if is_pattern(name) or "\\" in name:
        return "in a role mapping its name would be a pattern for others"
    return "" if name else "it has no name"


def _native(found: Granted, people: People, notes: list[str]) -> dict[str, dict[str, str]]:
    """Role -> native user -> because. Two people who would be one user are neither: one would have what the other is granted.
    Nor is anybody a user that is kept for Portcullis: they would have what it needs, or give it what they are granted."""
    called: dict[str, set[str]] = {}
    for role, of in found.entries.items():
        for entry in of.get("users", {}):
            called.setdefault(people.called(role, name_of(entry)), set()).add(entry)
    roles: dict[str, dict[str, str]] = {}
    for role, of in found.entries.items():
        for entry, because in of.get("users", {}).items():
            user = people.called(role, name_of(entry))
            if user in people.kept:
                notes.append(f"{entry} would be the user {user}, which is kept for Portcullis: is not let in")
            elif len(called[user]) > 1:
                notes.append(f"{' and '.join(sorted(called[user]))} would both be the user {user}: neither is")
            else:
                roles.setdefault(role, {})[user] = because
        for entry in of.get("backend_roles", {}):
            notes.append(f"{entry} is no user, so that as a native user it cannot be let into {role}")
    return roles


def name_of(entry: str) -> str:
    """The name of whom an entry means: of an ARN the part after the last slash, of Cognito's form the user name, else all of it."""
    if entry.startswith(OF_POOL):
        return name_in_pool(entry)
    return entry.rpartition("/")[2] if entry.startswith("arn:") else entry


def with_roles(user: Json, ours: Iterable[str], asked: Iterable[str]) -> Json:
    """A native user with the roles asked for instead of those that are ours. Others' entries stay where they stand."""
    asked = list(dict.fromkeys(asked))
    gone = set(ours) - set(asked)
    kept = [role for role in user.get("roles") or () if role not in gone]
    return {**user, "roles": [*kept, *(role for role in asked if role not in kept)]}


def level_role(privileges: Sequence[str], indices: Sequence[str]) -> Json:
    """The role of a level: the model's words for privileges are the engine's own."""
    if not privileges:
        return {"cluster": [], "indices": []}
    return {"cluster": [], "indices": [{"names": list(indices), "privileges": list(privileges)}]}


def predefined(level: str, release: Release) -> tuple[str, Json | None, str]:
    """The role that the engine brings along for a level, or the one that is made in its place: name, document to make, and a note.

    Only super users and whoever looks at dashboards have one. Whoever has that for dashboards alone sees no document of an index:
    `read` beside it is another role.
    """
    if level == "super_user":
        return SUPERUSER, None, ""
    if level != "dashboard":
        return "", None, ""
    if DASHBOARD_ONLY in holds(release).reserved_roles:
        return DASHBOARD_ONLY, None, ""
    return "level_dashboard", dict(_LOOKS_AT_DASHBOARDS), f"{release} has no {DASHBOARD_ONLY}: level_dashboard is made"
