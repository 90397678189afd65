"""What a remote cluster that is read without a key must have so that it keeps the guarantee of a key as far as it can, and where it
cannot. Pure.

The guarantee: nobody of the side that reads, a super user included, sees beyond what the other side's administrator allowed, and that
one alone decides it. By certificate an Elasticsearch takes the names of the roles of whoever asks from the side that reads; an OpenSearch
takes their name and backend roles, and maps them itself. Either way the side that reads is believed about who asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from portcullis.access.actual import Actual, Json
from portcullis.families.elasticsearch.deciding.across import SEARCH
from portcullis.families.elasticsearch.deciding.remote import API_KEY, CERTIFICATE
from portcullis.families.elasticsearch.documents.compare import query
from portcullis.families.elasticsearch.documents.config import ADMINISTRATES, SUPERUSER, Kind, is_reserved
from portcullis.families.elasticsearch.known.names import may_match
from portcullis.families.elasticsearch.known.privileges import grants_on_index
from portcullis.families.opensearch.limiting.known import known
from portcullis.remotes.facts import OUR_ROLES, Finding, Weight, exit_status
from portcullis.remotes.parties import listed
from portcullis.remotes.sent_along import gained
from portcullis.words import many

_BORN = "elastic"  # the super user that every cluster has: nothing can be done about it but to keep its password
_EVERY = ("*", "**", "_all")
_WITH_READ = 9  # from this release on `read` has read_cross_cluster in it
_ADMINISTRATORS = ("all_access", "security_manager")  # of an OpenSearch
_CROSS = "es:ESCrossClusterGet"
_BY_KEY = "portcullis remote offer and remote accept, then people moved to the alias with a key"


class Family(StrEnum):
    ELASTICSEARCH = "elasticsearch"
    OPENSEARCH = "opensearch"


@dataclass(frozen=True, slots=True)
class HardSide:
    """`holders`: role -> who has it, in words. None: it could not be looked at."""

    name: str
    release: str = ""
    roles: Mapping[str, Json] | None = None
    holders: Mapping[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class HardFacts:
    """One alias. `reach`: role over there -> who of this side comes with it; None: not known. `trusts`: the subjects of certificates that
    the other side's nodes trust; None: nobody said. `pinged`: how often an idle connection is used, as the engine has it; "" never; None:
    not looked at. `policy`: of the other domain."""

    alias: str
    here: HardSide
    there: HardSide
    model: str = CERTIFICATE
    family: Family = Family.ELASTICSEARCH
    reach: Mapping[str, tuple[str, ...]] | None = None
    skip_unavailable: bool = False
    trusts: tuple[str, ...] | None = None
    pinged: str | None = None
    policy: Json | None = None
    unseen: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Hardened:
    """`exit_status`: 3 if something is to be done. `cannot`: what holds whatever is done, in words; empty with a key."""

    deployment: str
    alias: str
    family: str
    model: str
    findings: tuple[Finding, ...]
    cannot: tuple[str, ...]
    exit_status: int


def harden(facts: HardFacts) -> Hardened:
    """What is to be done, each with its remedy, and what cannot be kept."""
    if facts.model == API_KEY:
        found, cannot = list(_by_key(facts)), []
    elif facts.family is Family.OPENSEARCH:
        found, cannot = list(_opensearch(facts)), list(_never_opensearch(facts))
    else:
        found, cannot = list(_certificate(facts)), list(_never_certificate(facts))
    if facts.model != API_KEY:  # with one, nothing hangs on what the other side has
        found += [Finding(facts.alias, Weight.UNKNOWN, "not-looked-at", why) for why in facts.unseen]
    status = exit_status(found)
    return Hardened(facts.here.name, facts.alias, facts.family.value, facts.model, tuple(found), tuple(cannot), status)


def _by_key(facts: HardFacts) -> Iterator[Finding]:
    says = "read with a key: nobody here sees beyond it, a super user neither"
    yield Finding(facts.alias, Weight.OK, "by-key", says)
    yield from _hides(facts)


def _hides(facts: HardFacts) -> Iterator[Finding]:
    if facts.skip_unavailable:
        says = "skip_unavailable: what is refused is a 200 without its documents, so that nobody sees that a wall holds"
        yield Finding(facts.alias, Weight.WRONG, "refusals-hidden", says, "skip_unavailable: false")


# ---------------------------------------------------------------------- certificates


def _certificate(facts: HardFacts) -> Iterator[Finding]:
    a, here, there = facts.alias, facts.here, facts.there
    says = f"by certificate, which is deprecated: roles of the same name on {there.name} decide"
    yield Finding(a, Weight.NOTE, "certificate", says, _BY_KEY)
    yield from _super_users(facts)
    if facts.reach is not None:
        for role, people in sorted(facts.reach.items()):
            if role != SUPERUSER and not role.startswith(OUR_ROLES):
                yield from _of_role(facts, role, people)
    yield from _become_others(facts)
    yield from _trust(facts)
    if facts.pinged is None:
        says = f"whether idle connections of {here.name} are kept open was not looked at"
        yield Finding(a, Weight.UNKNOWN, "idle", says, f"cluster.remote.{a}.transport.ping_schedule: 30s")
    elif facts.pinged in ("", "-1"):
        says = f"nothing is sent on an idle connection of {here.name}: what stands between may cut it, and the next search waits or fails"
        yield Finding(a, Weight.WRONG, "idle", says, f"cluster.remote.{a}.transport.ping_schedule: 30s")
    else:
        yield Finding(a, Weight.OK, "idle", f"idle connections are used every {facts.pinged}")
    yield from _hides(facts)


def _super_users(facts: HardFacts) -> Iterator[Finding]:
    if facts.here.holders is None:
        return
    people = tuple(one for one in facts.here.holders.get(SUPERUSER, ()) if one != _BORN)
    if people:
        are = _is(people, "super users")
        says = f"{_named(people)} {are} of {facts.here.name}, and so of {facts.there.name}: they read everything there"
        remedy = (
            f"a role with what they need, of a name that {facts.there.name} has not; superuser for emergencies alone"
        )
        yield Finding(facts.alias, Weight.WRONG, "superuser", says, remedy)
    else:
        says = f"nobody of {facts.here.name} but {_BORN} has superuser, as far as it was looked at"
        yield Finding(facts.alias, Weight.OK, "superuser", says)


def _of_role(facts: HardFacts, role: str, people: tuple[str, ...]) -> Iterator[Finding]:
    a, there = facts.alias, facts.there
    document = (there.roles or {}).get(role)
    if document is None or is_reserved(document):
        says = f"the role {role} of {_named(people)} is the engine's own, and reads on {there.name} what it reads everywhere"
        yield Finding(
            a, Weight.WRONG, "built-in-role", says, "a role of your own in its place: that can be left out there"
        )
        return
    entries = list(_reading(document))
    reads = [name for entry in entries for name in listed(entry.get("names"))]
    if not reads:
        yield Finding(a, Weight.OK, "role", f"the role {role} of {_named(people)} reads nothing on {there.name}")
        return
    own = (there.holders or {}).get(role, ())
    if own:
        says = f"the role {role} of {_named(people)} is that of {_named(own)} on {there.name} too: what these are given, those read"
        remedy = f"on {there.name} a role for {facts.here.name} alone, of a name that nobody else there has"
        yield Finding(a, Weight.WRONG, "shared-role", says, remedy)
    if wide := [name for name in reads if name in _EVERY]:
        says = (
            f"the role {role} of {_named(people)} reads {', '.join(wide)} on {there.name}: every index that comes, too"
        )
        yield Finding(a, Weight.WRONG, "reads-everything", says, "the names that are meant")
    if not own and not wide:
        without = "" if all(map(_limited, entries)) else ", with all documents and fields"
        says = f"the role {role} of {_named(people)} reads {', '.join(dict.fromkeys(reads))} on {there.name}{without}"
        yield Finding(a, Weight.NOTE, "role", says)
    if _before_nine(there.release) and not any(
        "read_cross_cluster" in listed(one.get("privileges")) for one in entries
    ):
        says = f"the role {role} has no read_cross_cluster: scrolls and ccs_minimize_roundtrips=false are refused, other searches are not"
        yield Finding(a, Weight.NOTE, "read-cross-cluster", says)


def _reading(role: Json) -> Iterator[Json]:
    for entry in role.get("indices") or ():
        if grants_on_index(listed(entry.get("privileges")), SEARCH):
            yield entry


def _limited(entry: Json) -> bool:
    return bool(query(entry.get("query")) or entry.get("field_security"))


def _before_nine(release: str) -> bool:
    major = release.partition(".")[0]
    return major.isdecimal() and int(major) < _WITH_READ


def _become_others(facts: HardFacts) -> Iterator[Finding]:
    """Who of this side can come with the names of other roles than they were given."""
    a, here = facts.alias, facts.here
    if here.roles is None or here.holders is None:
        return
    for role, document in sorted(here.roles.items()):
        people = here.holders.get(role, ())
        if not people or role == SUPERUSER or role.startswith(OUR_ROLES):
            continue
        strong = [one for one in listed(document.get("cluster")) if one.lower() in ADMINISTRATES]
        if strong:
            names = f"{', '.join(strong)} in {role}"
            says = f"{_named(people)} may make roles of any name ({names}), and so read what any role of {facts.there.name} reads"
            yield Finding(
                a, Weight.WRONG, "makes-roles", says, "what they need and no more (read_security, monitor, …)"
            )
        others = listed(document.get("run_as"))
        if not others:
            continue
        strongest = sorted({one for name in others for one in _as_whom(name, here.holders)})
        if strongest or any("*" in name or name.startswith("/") for name in others):
            whom = f"; {_named(strongest)} among them" if strongest else ""
            says = (
                f"{_named(people)} may act as {', '.join(others)} (run_as in {role}{whom}), and read there as these do"
            )
            yield Finding(a, Weight.WRONG, "run-as", says, "the names of those who are meant, and no super user")


def _as_whom(pattern: str, holders: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Super users whom a pattern of run_as covers: `elastic` is one everywhere."""
    for one in (_BORN, *holders.get(SUPERUSER, ())):
        if may_match(pattern, one.rpartition(":")[2]):
            yield one


def _trust(facts: HardFacts) -> Iterator[Finding]:
    a, there = facts.alias, facts.there
    setting = "xpack.security.transport.ssl.trust_restrictions.path"
    remedy = f"on each node of {there.name} {setting}, with the names of the nodes of {facts.here.name}"
    if facts.trusts is None:
        says = f"whether {there.name} trusts all certificates of the CA, or some subjects alone, stands in files of its nodes (--trusts)"
        yield Finding(a, Weight.UNKNOWN, "trust", says, remedy)
    elif not facts.trusts or any(not name.strip("*.") for name in facts.trusts):
        says = f"{there.name} trusts every certificate that the CA of {facts.here.name} signs: whoever gets one reads everything"
        yield Finding(a, Weight.WRONG, "trust", says, remedy)
    else:
        yield Finding(a, Weight.OK, "trust", f"{there.name} trusts {', '.join(facts.trusts)} alone")


def _never_certificate(facts: HardFacts) -> Iterator[str]:
    here, there = facts.here.name, facts.there.name
    yield f"a super user of {here} reads everything of {there}: the role superuser is on both, cannot be changed, and {_BORN} has it"
    roles = [
        role for role, one in (facts.there.roles or {}).items() if not role.startswith(OUR_ROLES) and any(_reading(one))
    ]
    known = f" ({many(len(roles), 'role')} now)" if facts.there.roles is not None else ""
    yield (
        f"whoever administers the security of {here}, the automation among them, can take the name of any role of {there}{known}: "
        "names are believed"
    )
    yield f"whoever runs a node of {here}, or has its private key, is believed by {there} about who asks"
    yield (
        f"whoever reads {here} from yet another cluster reads {there} through it: with a key what that allows by name, whatever roles "
        f"{there} has; by certificate what roles of their names on {there} read"
    )
    yield f"trust goes both ways: a super user of {there} can read {here} in the same way"
    yield f"{there} cannot end it at once: certificates are trusted until its nodes start again without, or until they end"


# ---------------------------------------------------------------------- OpenSearch


def _opensearch(facts: HardFacts) -> Iterator[Finding]:
    a, here, there = facts.alias, facts.here, facts.there
    yield from _roles_that_go_along(facts)
    for role, people in sorted((facts.reach or {}).items()):
        internal = [one for one in people if one.startswith("internal_user:")]
        if role in _ADMINISTRATORS:
            says = f"{_named(people)} of {here.name} {_is(people, 'administrators')} of {there.name} ({role}): they read everything there"
            yield Finding(a, Weight.WRONG, "administrator", says, f"other principals for {role} on {there.name}")
        elif internal:
            says = f"{_named(internal)} of {here.name} is taken for whoever has that name on {there.name}, with {role}: it may be another"
            yield Finding(a, Weight.WRONG, "same-name", says, "IAM roles and users by ARN, or other names")
        else:
            reads = "; ".join(_permissions((there.roles or {}).get(role, {}))) or "what the engine's own role reads"
            yield Finding(
                a, Weight.NOTE, "role", f"{_named(people)} of {here.name} have {role} on {there.name}: {reads}"
            )
    if not facts.reach and facts.reach is not None:
        says = f"nobody of {here.name} is mapped on {there.name} by a name that both files have: whoever asks is refused there"
        yield Finding(a, Weight.NOTE, "role", says, f"on {there.name} a role for them, granted to their IAM roles")
    for role, people in sorted((there.holders or {}).items()):
        if every := [one for one in people if one.rpartition(":")[2] == "*"]:
            says = f"{role} on {there.name} is granted to {_named(every)}: to everybody of {here.name} too"
            yield Finding(a, Weight.WRONG, "everybody", says, "the principals that are meant")
    yield from _policy(facts)


def _roles_that_go_along(facts: HardFacts) -> Iterator[Finding]:
    """A 2.x sends the names of all roles that whoever asks has, and the other side takes them for its own (seen on 2.19.3)."""
    here, there = facts.here, facts.there
    if here.release.partition(".")[0] != "2" or here.holders is None or there.roles is None:
        return
    roles = {**known(f"OpenSearch_{there.release}").roles, **there.roles}
    mapped = facts.reach or {}
    gaining = {
        role: [one for one in people if one not in mapped.get(role, ())] for role, people in here.holders.items()
    }
    yield from gained(facts.alias, here.name, there.name, gaining, roles, sends_all=True)


def _permissions(role: Json) -> Iterator[str]:
    for entry in role.get("index_permissions") or ():
        yield f"{', '.join(listed(entry.get('allowed_actions')))} on {', '.join(listed(entry.get('index_patterns')))}"


def _policy(facts: HardFacts) -> Iterator[Finding]:
    a, there = facts.alias, facts.there.name
    if facts.policy is None:
        yield Finding(a, Weight.UNKNOWN, "policy", f"the access policy of {there} was not looked at")
        return
    allowing = [one for one in facts.policy.get("Statement", ()) if one.get("Effect") == "Allow" and _allows_cross(one)]
    if not allowing:
        says = f"the access policy of {there} allows nobody {_CROSS}: no search from {facts.here.name} gets in"
        yield Finding(a, Weight.NOTE, "policy", says)
    for one in allowing:
        principal = one.get("Principal")
        whom = listed(principal.get("AWS")) if isinstance(principal, Mapping) else listed(principal)
        if any(who == "*" for who in whom) and not one.get("Condition"):
            says = f"the access policy of {there} allows everybody {_CROSS}"
            yield Finding(a, Weight.WRONG, "policy", says, "the IAM roles and users that are meant as Principal")
        else:
            yield Finding(a, Weight.OK, "policy", f"{_CROSS} on {there} is allowed to {', '.join(whom) or 'nobody'}")


def _allows_cross(statement: Json) -> bool:
    return any(may_match(action.lower(), _CROSS.lower()) for action in listed(statement.get("Action")))


def _never_opensearch(facts: HardFacts) -> Iterator[str]:
    here, there = facts.here.name, facts.there.name
    yield (
        f"whoever administers the internal users of {here} can make one with the name and the backend roles of anybody who is mapped on "
        f"{there}: names are believed"
    )
    yield (
        f"an internal user of {here} who is called as an admin certificate of {there}, or is given a role of {there} by "
        f"opendistro_security_roles, is taken for just that: the first reads everything of {there}, its security index too"
    )
    yield f"a search that names {there} alone takes no permission on {here}: its roles limit nobody there, nor does a lock of {here}"
    yield f"{there} has no limit for {here} as a whole: what is allowed is the sum of its mappings, which serve its own people too"
    yield f"a connection between the two does not end by itself; {there} can end it as a whole, for nobody alone"


# ---------------------------------------------------------------------- words, and what is seen of an engine


def _named(people: Iterable[str]) -> str:
    known = list(dict.fromkeys(people))
    more = f" and {many(len(known) - _MOST, 'other')}" if len(known) > _MOST else ""
    return f"{', '.join(known[:_MOST])}{more}" if known else "nobody"


_MOST = 5


def _is(people: tuple[str, ...], what: str) -> str:
    return f"is one of the {what}" if len(people) == 1 else f"are {what}"


def holders_of(held: Actual) -> dict[str, tuple[str, ...]]:
    """Role -> who has it on an Elasticsearch: native users by name, and mappings by theirs: whom these mean only a sign-in tells."""
    found: dict[str, list[str]] = {}
    for name, user in sorted(held.of(Kind.USERS).items()):
        for role in listed(user.get("roles")) if user.get("enabled") is not False else ():
            found.setdefault(role, []).append(name)
    for name, mapping in sorted(held.of(Kind.MAPPINGS).items()):
        for role in listed(mapping.get("roles")) if mapping.get("enabled") is not False else ():
            found.setdefault(role, []).append(f"role_mapping:{name}")
    return {role: tuple(people) for role, people in found.items()}
