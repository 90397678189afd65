"""What a move of a remote cluster from certificates to a key is planned and watched by: both sides as they are. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from portcullis.access.actual import Actual, Json
from portcullis.access.plan import AccessModel
from portcullis.access.questions.persons import as_person
from portcullis.custody.stopping import stopping
from portcullis.errors import BadInput, Refused
from portcullis.operations.remotes.asking.other_side import looked_at, there_of
from portcullis.operations.remotes.files import file_of, on_cluster
from portcullis.operations.remotes.keys.agreed import giver_of
from portcullis.operations.remotes.keys.tending import options_of, taking
from portcullis.operations.remotes.moving.kept import all_under_way
from portcullis.operations.services import Services, Site
from portcullis.operations.writing.opened import mappings_are_shut, once_open
from portcullis.ports.remotes import Connection
from portcullis.remotes.facts import BY_KEY, model_of
from portcullis.remotes.gains import Moved, Sides, compare, left_out, let_in, parties, proposal
from portcullis.remotes.keys import Offer
from portcullis.remotes.moving import Way, lacks
from portcullis.words import many

if TYPE_CHECKING:
    from portcullis.model import OnCluster
    from portcullis.model.elasticsearch.remotes import Remote


@dataclass(frozen=True, slots=True)
class Meant:
    """What is to be moved, and to what. `offer` None: the key is made by nobody here."""

    reader: Site
    alias: str
    to: str
    way: Way
    secret: str
    new: Connection
    giver: Site | None
    offer: Offer | None
    access: Json  # what the key allows: as offered, or else as agreed


@dataclass(frozen=True, slots=True)
class Facts:
    """`stops`: why it cannot be begun, or gone on with. `notes`: what is to be known, and what could not be looked at."""

    sides: Sides
    moved: tuple[Moved, ...]
    stops: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """What the files would have to say, so that people read with the key what they read by certificate."""

    reader: str
    giver: str
    remote: Mapping[str, Json] = field(default_factory=dict)  # into remotes
    offer: Mapping[str, Json] = field(default_factory=dict)  # into offers
    roles: Mapping[str, list[Json]] = field(default_factory=dict)  # role -> remote_indices


def meant(services: Services, deployment: str, alias: str, way: str, to: str) -> Meant | None:
    """As the file in force declares it; None if it declares no remote that `alias` could be moved to. BadInput and Refused for what can
    never be."""
    site = services.site(deployment)
    here = on_cluster(file_of(site))
    declared = here.remotes.get(alias)
    if way not in ("", *Way):
        raise _not_so("way", f"there is no way {way!r}", " or ".join(Way))
    if declared is not None and declared.model == BY_KEY:
        if way == Way.SECOND_ALIAS or to not in ("", alias):
            raise _not_so("way", f"the file of {deployment} declares {alias} itself with a key", Way.SAME_ALIAS)
        return _meant(services, site, here, alias, alias, Way.SAME_ALIAS)
    if way == Way.SAME_ALIAS:
        if to not in ("", alias):
            raise _not_so("to", f"{Way.SAME_ALIAS} keeps the alias {alias}", "leave it out")
        return None
    beside = [name for name, one in here.remotes.items() if one.model == BY_KEY]
    if to:
        if to in here.remotes and to not in beside:
            raise _not_so("to", f"{to} is not declared with a key", "an alias with model: api-key")
        if _apart(here, alias, to, site, services):
            raise _not_so(
                "to", f"{to} leads to another cluster than {alias}", f"an alias of the cluster behind {alias}"
            )
        return _meant(services, site, here, alias, to, Way.SECOND_ALIAS) if to in beside else None
    same = [name for name in beside if _same(here, alias, name, site, services)]
    if len(same) > 1:
        raise _not_so("to", f"{alias} could be moved to {' or '.join(same)}", "say which: --to ALIAS")
    return _meant(services, site, here, alias, same[0], Way.SECOND_ALIAS) if same else None


def _not_so(place: str, problem: str, remedy: str) -> BadInput:
    return BadInput(problem, source="request", place=place, remedy=remedy)


def _same(here: OnCluster, alias: str, other: str, site: Site, services: Services) -> bool:
    """Whether two aliases are known to lead to one cluster: by the deployment behind each; where one is not known, by the host, which may
    be that of several clusters."""
    behind = [_deployment(here, one, site, services) for one in (alias, other)]
    if all(behind):
        return behind[0] == behind[1]
    host = _host(here, alias, site, services)
    return bool(host) and _host(here, other, site, services) == host


def _apart(here: OnCluster, alias: str, other: str, site: Site, services: Services) -> bool:
    behind = [_deployment(here, one, site, services) for one in (alias, other)]
    return all(behind) and behind[0] != behind[1]


def _deployment(here: OnCluster, alias: str, site: Site, services: Services) -> str:
    """Of the cluster behind an alias, as the file names it, or by whose key it is read; empty if that is not known."""
    declared = here.remotes.get(alias)
    if declared is not None and declared.deployment:
        return str(declared.deployment)
    by_key = declared is not None and declared.model == BY_KEY
    found = giver_of(services, site.name, options_of(site).remotes[alias]) if by_key else None
    return found[0].name if found else ""


def _host(here: OnCluster, alias: str, site: Site, services: Services) -> str:
    """Where the other cluster is, without its port; empty if that is not known."""
    declared = here.remotes.get(alias)
    if declared is None:
        return _address(site.remotes.info().get(alias, {})).rpartition(":")[0]
    try:
        return _where(declared, services).rpartition(":")[0]
    except Refused:  # this one may have nothing to do with the move
        return ""


def _where(declared: Remote, services: Services) -> str:
    from portcullis.model.elasticsearch.remotes import PORTS  # late: no event needs it

    if declared.address:
        return str(declared.address)
    if declared.deployment not in services.ledger.deployments():
        raise Refused(f"{declared.deployment} is not deployed here: where it listens is not known; give its address")
    other = on_cluster(file_of(services.site(str(declared.deployment))))
    return f"{other.cluster.endpoint.rpartition(':')[0]}:{PORTS[declared.model]}"


def _meant(services: Services, site: Site, here: OnCluster, alias: str, to: str, way: Way) -> Meant:
    declared = here.remotes[to]
    options = options_of(site).remotes[to]
    found = giver_of(services, site.name, options)
    new = Connection(to, _where(declared, services), declared.mode, declared.skip_unavailable)
    agreed = declared.allows.document() if declared.allows else {}
    giver, offer = found if found else (None, None)
    return Meant(site, alias, to, way, options.secret, new, giver, offer, offer.access if offer else agreed)


def _address(info: Json) -> str:
    seeds = list(info.get("seeds") or ())
    return str(info.get("proxy_address") or (seeds[0] if seeds else ""))


def as_set(alias: str, info: Json) -> Connection:
    """How an alias is set now."""
    more = tuple(str(one) for one in list(info.get("seeds") or ())[1:])
    return Connection(alias, _address(info), str(info["mode"]), bool(info.get("skip_unavailable")), more)


def facts(one: Meant, *, begun: bool) -> Facts:
    """Both sides now. `begun`: the aliases are already on their way."""
    stops: list[str] = []
    notes: list[str] = []
    info = one.reader.remotes.info()
    if not begun:
        stops += _as_it_is(one, info)
    # A way back of the one would take away what people read by since the other.
    stops += (
        f"{other.alias} is being moved to {other.to}: --continue or --rollback of that first"
        for other in all_under_way(one.reader)
        if other.to == one.to and other.alias != one.alias
    )
    for site in (one.reader, one.giver):
        if site is not None:
            seen = looked_at(notes, f"release and licence of {site.name}", lambda at=site: _lacking(at))  # type: ignore[misc]
            stops += seen or ()
    if one.giver is None:
        notes.append(
            f"whoever gives the key of {one.to} is not deployed here: its roles and its key were not looked at"
        )
    sides = both(one.reader, one.alias, one.to, one.access, one.giver, notes)
    moved = compare(sides)
    stops += _by_access(one, moved)
    stops += _not_open(one)  # looked at last: what was read while a lock began is no comparison
    if beyond := left_out(sides):
        notes.append(
            f"{many(beyond, 'name')} of indices and patterns more than can be compared: nothing is known of them"
        )
    if one.way is Way.SECOND_ALIAS:
        notes.append(
            f"whoever searches *:INDEX asks {one.alias} and {one.to} while both stand, and has each document twice"
        )
    return Facts(sides, moved, tuple(stops), tuple(notes))


def _not_open(one: Meant) -> Iterator[str]:
    for site in (one.reader, one.giver):
        stopped, _ = stopping(site.ledger.custody(site.name)) if site is not None else ("", True)
        if stopped:
            yield f"{stopped}: nothing is moved until it is open"


def _by_access(one: Meant, moved: Collection[Moved]) -> Iterator[str]:
    """Nobody gains what no file declares, and nobody loses what the file declares; a role each, with the first index."""
    told: set[tuple[str, ...]] = set()
    for each in moved:
        if not (each.undeclared or each.owed) or each.roles in told:
            continue
        told.add(each.roles)
        who = f"{', '.join(each.who[:3])} would read {each.after} of {each.index} through {one.to}"
        roles = " and ".join(each.roles)
        if each.undeclared:
            yield f"{who}, which no file gives the role {roles}: take it from the role, or declare it"
        else:
            yield f"{who}, and the file gives the role {roles} more: the engine has another one; portcullis plan {one.reader.name}"


def _as_it_is(one: Meant, info: Mapping[str, Json]) -> list[str]:
    found, old, new = [], info.get(one.alias), info.get(one.to)
    if old is None:
        found.append(f"{one.reader.name} has no remote cluster {one.alias}")
    elif model_of(old) == BY_KEY:
        found.append(f"{one.alias} is read with a key already")
    if one.to != one.alias and new is not None and new.get("connected") and model_of(new) != BY_KEY:
        found.append(f"{one.to} is set already, and read by certificate")
    beyond = taking(one.reader, one.to, one.secret).beyond
    if beyond and one.way is Way.SAME_ALIAS:
        found.append(f"nobody here can write the keystore of {', '.join(sorted(beyond))}: move it by a second alias")
    return found


def _lacking(site: Site) -> tuple[str, ...]:
    return lacks(site.name, site.remotes.releases(), site.remotes.licence())


def both(reader: Site, alias: str, to: str, key: Json, far: Site | None, notes: list[str]) -> Sides:
    """What decides it, of a locked cluster as it will be once it is open. `key`: what the key allows. `far`: the cluster that is read,
    where it is one of this account."""
    held = _held(reader)
    access = reader.ledger.model(reader.name).access
    roles = None
    there = None
    if far is not None:
        roles = looked_at(notes, f"the roles of {far.name}", lambda: _held(far, far.family.roles).of(far.family.roles))
        there = looked_at(notes, f"the indices of {far.name}", lambda: there_of(far.engine))
    made = Sides(
        alias,
        to,
        reader.engine.dialect.split()[0],
        far.engine.dialect.split()[0] if far else "",
        held.of(reader.family.roles),
        access.roles,
        roles,
        key,
        parties=parties(access, held, _groups(reader, access, notes)),
    )
    return made if there is None else replace(made, there=there)


def _held(site: Site, *kinds: str) -> Actual:
    """These kinds of documents, or all of them."""
    custody = site.ledger.custody(site.name)
    if not mappings_are_shut(custody):
        return site.engine.read(kinds or None)
    return once_open(site, custody, site.engine.read())


def _groups(site: Site, access: AccessModel, notes: list[str]) -> dict[str, set[str]]:
    """Person -> the subjects of grants that they are. Asked only where an engine knows people by their groups."""
    found: dict[str, set[str]] = {}
    if access.people is None or not access.people.realm:
        return found
    looked = site.identity.look(access.grants)
    for subject, entries in looked.membership.users.items():
        for entry in entries:
            found.setdefault(as_person(entry).name, set()).add(str(subject))
    notes += [f"{subject} could not be read: {why}" for subject, why in sorted(looked.unseen.items())]
    return found


def lines(services: Services, deployment: str, alias: str, way: str, to: str, notes: list[str]) -> Lines:
    """What both files lack, from what people read by certificate now. Nothing where the other side is not deployed here, or could not be
    looked at."""
    site = services.site(deployment)
    here = on_cluster(file_of(site))
    declared = here.remotes.get(alias)
    name = declared.deployment if declared else None
    if name not in services.ledger.deployments():
        return Lines(deployment, name or "")
    far = services.site(str(name))
    to = alias if way == Way.SAME_ALIAS else to or f"{alias}-key"
    allows, roles = proposal(both(site, alias, to, {}, far, notes))
    if not allows:
        return Lines(deployment, far.name)
    secret = f"remotes/{deployment}-{to}"
    remote = {to: {"deployment": far.name, "credential": secret, "allows": allows}}
    return Lines(deployment, far.name, remote, {f"for-{deployment}": {**allows, "secret": secret}}, roles)


def standing_roles(sides: Sides, far: Site | None) -> dict[str, bool]:
    """Roles over there by which certificates let people in, and whether the file of that side declares them."""
    if far is None:
        return {}
    declared = far.ledger.model(far.name).access.roles
    return {role: role in declared for role in let_in(sides)}
