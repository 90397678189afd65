"""What is right and what is wrong with remote clusters, by what was seen of both sides. Pure: what was not seen is never OK."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from portcullis.access.actual import Json
from portcullis.errors import BadInput
from portcullis.families.elasticsearch.deciding.remote import API_KEY, LIVE
from portcullis.families.elasticsearch.documents.compare import canonical_access
from portcullis.families.elasticsearch.documents.config import is_reserved
from portcullis.families.elasticsearch.known.names import certainly_beyond, may_match
from portcullis.families.elasticsearch.known.release import Release
from portcullis.families.elasticsearch.known.releases import CLUSTER_KEYS, LICENCES_WITH_CLUSTER_KEYS
from portcullis.remotes.facts import OUR_ROLES, Cluster, Finding, Given, Licence, Looked, RemoteFacts, Weight, model_of
from portcullis.remotes.keys import WARNING
from portcullis.remotes.parties import listed
from portcullis.remotes.refusals import answered
from portcullis.words import many, moment

_LAST_OF = {7: 17, 8: 18}  # of a release, the first minor that the next one reads


def check(looked: Looked, now: datetime) -> tuple[Finding, ...]:
    """Everything, alias by alias, then what is of the cluster itself."""
    found: list[Finding] = []
    for remote in looked.remotes:
        found += _of_remote(remote, looked.here, now)
        found += _passed_on(remote, looked)
    found += _of_cluster("", looked.here, now)
    found += _of_given(looked.given)
    found += [Finding("", Weight.UNKNOWN, "not-looked-at", why) for why in looked.unseen]
    return tuple(found)


def _of_remote(remote: RemoteFacts, here: Cluster, now: datetime) -> Iterator[Finding]:
    a = remote.alias
    if remote.info is None:
        yield Finding(
            a, Weight.WRONG, "not-set", f"{here.name} has no remote cluster {a}", "set it as the file declares it"
        )
        return
    if not remote.declared:
        yield Finding(
            a, Weight.WRONG, "not-declared", f"no file declares {a}", "declare it in remotes, or take it away"
        )
    yield from _as_set(remote, remote.info)
    yield from _reached(remote, remote.info)
    if model_of(remote.info) == API_KEY:
        yield from _of_key(remote, now)
        yield from _beyond(remote, here)
    else:
        yield from _by_certificate(remote, here)
    yield from _both(remote, here)
    if remote.other is not None:
        yield from _of_cluster(a, remote.other, now)
    else:
        says = f"the cluster behind {a} is no deployment of this account: neither its licence, its certificates nor its keys were looked at"
        yield Finding(a, Weight.UNKNOWN, "not-looked-at", says, "whoever runs it runs this check there")
    yield from (Finding(a, Weight.UNKNOWN, "not-looked-at", why) for why in remote.unseen)


def _as_set(remote: RemoteFacts, info: Json) -> Iterator[Finding]:
    if not remote.declared:
        return
    seen = {
        "model": model_of(info),
        "mode": str(info.get("mode", "")),
        "skip_unavailable": bool(info.get("skip_unavailable")),
    }
    wanted = {"model": remote.model, "mode": remote.mode, "skip_unavailable": remote.skip_unavailable}
    if remote.address:
        seen["address"] = str(info.get("proxy_address") or ", ".join(listed(info.get("seeds"))))
        wanted["address"] = remote.address
    differing = [name for name in wanted if wanted[name] != seen[name]]
    for name in differing:
        says = f"{name} is {_word(seen[name])}, declared is {_word(wanted[name])}"
        yield Finding(
            remote.alias,
            Weight.WRONG,
            f"{name.replace('_', '-')}-differs",
            says,
            "set it as declared, or change the file",
        )
    if not differing:
        yield Finding(remote.alias, Weight.OK, "as-declared", f"set as declared: {remote.model}, {remote.mode}")


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _reached(remote: RemoteFacts, info: Json) -> Iterator[Finding]:
    a, skipping = remote.alias, bool(info.get("skip_unavailable"))
    error = str((remote.resolved or {}).get("error", ""))
    refusing = remote.state != LIVE or bool(error and not answered(error))
    if not info.get("connected"):
        yield Finding(
            a,
            Weight.WRONG,
            "not-connected",
            "no node of it is connected",
            "its address, its port, and trust in its certificate",
        )
    elif refusing:
        why = f"the key is {remote.state}" if remote.state != LIVE else error
        yield Finding(
            a,
            Weight.WRONG,
            "refuses",
            f"_remote/info says connected, and whoever asks is refused: {why}",
            _remedy(remote.state),
        )
    elif remote.resolved is None:
        yield Finding(a, Weight.UNKNOWN, "not-looked-at", "connected; whether it answers could not be looked at")
    else:
        yield Finding(a, Weight.OK, "connected", "connected, and it answers")
    if skipping and (refusing or not info.get("connected")):
        says = "skip_unavailable hides it: searches are answered 200 without its documents"
        yield Finding(
            a,
            Weight.WRONG,
            "refusals-hidden",
            says,
            "skip_unavailable: false, or look at _clusters.skipped of each answer",
        )
    elif skipping:
        says = "skip_unavailable: a refusal would be a 200 without its documents"
        yield Finding(a, Weight.NOTE, "refusals-hidden", says)


def _remedy(state: str) -> str:
    if state in ("absent", "garbage", "wrong-type"):
        return "put the key of the secret into the keystore of each node, and have it read again"
    return "a new key: portcullis remote rotate, where both sides are deployed here; else whoever gives it"


def _of_key(remote: RemoteFacts, now: datetime) -> Iterator[Finding]:
    a = remote.alias
    if not remote.key:
        if remote.state == LIVE:
            yield Finding(a, Weight.UNKNOWN, "not-looked-at", "by which key it is read could not be looked at")
        return
    if remote.secret is None:
        yield Finding(
            a, Weight.UNKNOWN, "not-looked-at", f"read with the key {remote.key}; the secret was not looked at"
        )
    elif remote.secret != remote.key:
        says = f"the nodes come with the key {remote.key}, the secret holds {remote.secret or 'none'}"
        yield Finding(
            a, Weight.WRONG, "another-key", says, "portcullis remote rotate, or the secret's key into each keystore"
        )
    else:
        yield Finding(a, Weight.OK, "key", f"read with the key {remote.key}, which is that of the secret")
    if remote.shown is None:
        yield Finding(a, Weight.UNKNOWN, "not-looked-at", f"when the key {remote.key} ends could not be looked at")
        return
    shown = next((key for key in remote.shown if key.id == remote.key), None)
    if shown is None:
        yield Finding(
            a, Weight.WRONG, "key-not-there", f"the other cluster has no key {remote.key}", _remedy("revoked")
        )
        return
    if shown.expires is None:
        yield Finding(
            a,
            Weight.NOTE,
            "key-never-ends",
            f"the key {shown.id} never ends",
            "one with an end: portcullis remote rotate",
        )
    elif shown.expires - now <= remote.warning:
        yield Finding(
            a, Weight.WRONG, "key-ends", f"the key {shown.id} ends {moment(shown.expires)}", "portcullis remote rotate"
        )
    else:
        yield Finding(a, Weight.OK, "key-ends", f"the key {shown.id} ends {moment(shown.expires)}")
    if remote.allows is not None and canonical_access(shown.access) != canonical_access(remote.allows):
        says = f"the key {shown.id} allows something else than was agreed"
        yield Finding(
            a, Weight.WRONG, "allows-differs", says, "apply the file of the side that offers it, or agree on another"
        )


def _beyond(remote: RemoteFacts, here: Cluster) -> Iterator[Finding]:
    """Roles that ask for more than the key: the other side refuses them, this one does not."""
    key = next((one for one in remote.shown or () if one.id == remote.key), None)
    access = key.access if key is not None else remote.allows
    if access is None or here.roles is None:
        yield Finding(
            remote.alias,
            Weight.UNKNOWN,
            "not-looked-at",
            "whether roles ask for more than the key could not be looked at",
        )
        return
    names = [
        name
        for part in ("search", "replication")
        for one in access.get(part) or ()
        for name in listed(one.get("names"))
    ]
    asking = False
    for role, document in sorted(here.roles.items()):
        if role.startswith(OUR_ROLES) or is_reserved(document):  # nobody can make those ask for less
            continue
        beyond: list[str] = []
        for one in document.get("remote_indices") or ():
            if any(may_match(pattern, remote.alias) for pattern in listed(one.get("clusters"))):
                asking = True
                beyond += [name for name in listed(one.get("names")) if certainly_beyond(name, names)]
        if beyond:
            says = f"the role {role} asks for {', '.join(dict.fromkeys(beyond))}, beyond the key: the other side refuses it"
            yield Finding(remote.alias, Weight.WRONG, "beyond-key", says, "less in the role, or more in the key")
    if not asking:
        says = f"no role has remote_indices for {remote.alias}: super users alone read it"
        yield Finding(remote.alias, Weight.WRONG, "unused", says, "remote_indices in a role, or take it away")


def _by_certificate(remote: RemoteFacts, here: Cluster) -> Iterator[Finding]:
    a = remote.alias
    says = f"by certificate, which is deprecated: a super user of {here.name} reads everything there"
    yield Finding(a, Weight.NOTE, "certificate", says, "the model api-key: nobody sees beyond the key")
    there = remote.other.roles if remote.other is not None else None
    if there is None or here.roles is None:
        yield Finding(
            a, Weight.UNKNOWN, "not-looked-at", "which roles of the same name are over there could not be looked at"
        )
        return
    own = {name for name, role in here.roles.items() if not is_reserved(role)}
    missing = sorted(name for name in own - there.keys() if not name.startswith(OUR_ROLES))
    if missing:
        says = f"roles that are not over there, so that they read nothing there: {', '.join(missing)}"
        yield Finding(a, Weight.NOTE, "roles-missing", says)


def _passed_on(remote: RemoteFacts, looked: Looked) -> Iterator[Finding]:
    """A cluster that is asked for `bills:logs-1` by whoever comes with a key asks bills as them, if by certificate: there the key counts,
    and no role. With a key of its own it lets nobody on who came with one. Whoever comes by certificate it lets on either way."""
    if remote.info is None:
        return
    a, here, by_key = remote.alias, looked.here.name, model_of(remote.info) == API_KEY
    if looked.by_certificate:
        what = "what roles of their names there read, a super user everything"
        if by_key:
            what = f"what remote_indices of roles of their names on {here} and the key allow, both"
        who = f"whoever comes to {here} by certificate ({', '.join(looked.by_certificate)})"
        yield Finding(a, Weight.NOTE, "passed-on", f"{who} reads {a} through it, as ALIAS:{a}:INDEX: {what}")
    keys = [one for one in looked.keys if one.access.get("search")]
    if not keys or by_key:
        return
    ids = ", ".join(one.id for one in keys)
    names = dict.fromkeys(name for one in keys for part in one.access["search"] for name in listed(part.get("names")))
    says = f"whoever comes to {here} with {'the key' if len(keys) == 1 else 'one of the keys'} {ids} reads {a} "
    says += f"through it, as ALIAS:{a}:INDEX: what the key allows by name ({', '.join(names)}), whatever the roles there give"
    yield Finding(a, Weight.WRONG, "passed-on", says, f"{a} with a key: who comes with one is let on with no other")


def _both(remote: RemoteFacts, here: Cluster) -> Iterator[Finding]:
    """Two releases that speak to each other."""
    a = remote.alias
    told = ((remote.resolved or {}).get("version") or {}).get("number")
    there = (
        remote.other.releases if remote.other is not None and remote.other.releases else (str(told),) if told else None
    )
    if not here.releases or not there:
        yield Finding(a, Weight.UNKNOWN, "not-looked-at", "the releases of both sides could not be looked at")
        return
    words = f"{' and '.join(here.releases)} here, {' and '.join(there)} there"
    try:
        every = [Release.of(one) for one in (*here.releases, *there)]
    except BadInput:
        yield Finding(a, Weight.UNKNOWN, "releases", f"{words}: one of them is not known here")
        return
    if remote.info is not None and model_of(remote.info) == API_KEY and min(every) < CLUSTER_KEYS:
        yield Finding(
            a, Weight.WRONG, "releases", f"{words}: keys between clusters come with {CLUSTER_KEYS}", "a later release"
        )
    elif _too_far(min(every), max(every)):
        yield Finding(
            a,
            Weight.WRONG,
            "releases",
            f"{words}: too far from each other",
            "the last of one major release beside the next",
        )
    else:
        yield Finding(a, Weight.OK, "releases", words)


def _too_far(older: Release, newer: Release) -> bool:
    if newer.major == older.major:
        return False
    return newer.major - older.major > 1 or older < Release(older.major, _LAST_OF.get(older.major, 0))


def _of_cluster(alias: str, cluster: Cluster, now: datetime) -> Iterator[Finding]:
    yield from (Finding(alias, Weight.UNKNOWN, "not-looked-at", why) for why in cluster.unseen)
    if cluster.licence is not None:
        yield from _licence(alias, cluster, cluster.licence, now)
    ending = [one for one in cluster.certificates or () if one.expires - now <= WARNING]
    for one in ending:
        whose = "its own certificate" if one.own else "the authority"
        verb = "ended" if one.expires <= now else "ends"
        says = f"{cluster.name}: {whose} {one.path} {verb} {moment(one.expires)}"
        yield Finding(
            alias,
            Weight.WRONG,
            "certificate-ends",
            says,
            "renew it on each node: the other side believes it no more after that",
        )
    if cluster.certificates and not ending:
        first = min(one.expires for one in cluster.certificates)
        says = f"{cluster.name}: {many(len(cluster.certificates), 'certificate')} of its interfaces; the first ends {moment(first)}"
        yield Finding(alias, Weight.OK, "certificates", says)


def _licence(alias: str, cluster: Cluster, licence: Licence, now: datetime) -> Iterator[Finding]:
    words = f"{cluster.name}: licence {licence.kind}"
    if not licence.active:
        yield Finding(
            alias, Weight.WRONG, "licence", f"{words}, which has ended", "renew it: keys between clusters end with it"
        )
    elif licence.kind not in LICENCES_WITH_CLUSTER_KEYS:
        yield Finding(alias, Weight.NOTE, "licence", f"{words}: it has no keys between clusters, certificates alone")
    elif licence.ends is not None and licence.ends - now <= WARNING:
        yield Finding(alias, Weight.WRONG, "licence", f"{words} ends {moment(licence.ends)}", "renew it")
    else:
        ends = f", ends {moment(licence.ends)}" if licence.ends else ""
        yield Finding(alias, Weight.OK, "licence", words + ends)


def _of_given(given: Collection[Given]) -> Iterator[Finding]:
    for one in given:
        key = one.key
        name = f"the key {key.id} ({key.name})"
        if one.by:
            continue
        if not one.offered:
            who = "the automation" if one.ours else key.owner
            says = f"{name}, made by {who}, is of no offer: who comes with it is not known here"
            yield Finding("", Weight.WRONG, "key-of-no-offer", says, f"{key.owner} ends it, or offer it in the file")
        elif one.all_seen:
            yield Finding(
                "",
                Weight.WRONG,
                "key-unused",
                f"nobody comes with {name}",
                "portcullis remote rotate, which ends what is left over; or no offer",
            )
        else:
            yield Finding("", Weight.UNKNOWN, "key-unused", f"whether anybody comes with {name} could not be looked at")
