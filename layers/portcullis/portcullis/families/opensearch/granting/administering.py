"""What gives the domain away: the administrators' roles, and whatever else reaches the security API."""

from __future__ import annotations

from portcullis.access.actual import Actual, Json
from portcullis.access.plan import Claim
from portcullis.access.terms import Caller
from portcullis.families.opensearch.documents.config import ADMINISTRATOR_ROLES, Kind
from portcullis.families.opensearch.granting.callers import mapped_roles
from portcullis.families.opensearch.granting.mappings import DIRECT
from portcullis.families.opensearch.granting.privileges import expand
from portcullis.families.opensearch.names.matching import matches_any

# Rights of the security API, and those that reach the index that it keeps everything in.
_REACHES = ("restapi:admin", "system:admin", "cluster:admin/opendistro_security", "cluster:admin/security")
_PROBES = ("restapi:admin/roles", "restapi:admin/rolesmapping", "restapi:admin/internalusers")


def administers(held: Actual, claim: Claim, document: Json | None = None) -> bool:
    """Whether what is claimed here gives somebody the administration of the domain; `document` in place of the one held.

    A right to everything in the cluster counts, though some versions want the security API named: it is for a person to say so.
    """
    if document is None:
        document = held.get(claim.kind, claim.name) or {}
    if claim.kind == Kind.MAPPINGS:
        return claim.name in ADMINISTRATOR_ROLES or administers(held, Claim(Kind.ROLES, claim.name))
    if claim.kind == Kind.USERS:
        roles = {*(document.get(DIRECT) or ())}
        roles |= mapped_roles(held, Caller(claim.name, tuple(document.get("backend_roles") or ()))).keys()
        return any(administers(held, Claim(Kind.MAPPINGS, role)) for role in roles)
    if claim.kind == Kind.ACTION_GROUPS:
        return _reach_the_api(held, document.get("allowed_actions") or (), everything=False)
    if claim.kind == Kind.ROLES:
        indices = document.get("index_permissions") or ()
        named = [action for one in indices for action in one.get("allowed_actions") or ()]
        cluster = document.get("cluster_permissions") or ()
        return _reach_the_api(held, cluster, everything=True) or _reach_the_api(held, named, everything=False)
    return False


def disguised(held: Actual) -> tuple[Claim, ...]:
    """Action groups that are called like an action. The engine looks every name of a role up among the groups, so that a role which
    names the action permits all that the group holds."""
    return tuple(
        Claim(Kind.ACTION_GROUPS, name)
        for name in sorted(held.of(Kind.ACTION_GROUPS))
        if (":" in name or "*" in name) and not held.is_fixed(Kind.ACTION_GROUPS, name)
    )


def _reach_the_api(held: Actual, names: list[str] | tuple[str, ...], *, everything: bool) -> bool:
    """`everything`: whether a right to everything is meant, which of an index says nothing about the security API."""
    actions = expand(held, names)
    if any(action.startswith(_REACHES) for action in actions):
        return True
    patterns = [action for action in actions if everything or action.strip("*")]
    return any(matches_any(patterns, probe) for probe in _PROBES)
