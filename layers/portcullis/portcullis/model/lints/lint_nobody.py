"""What lets in whoever does not sign in: by the file, and by what an engine holds or is set to."""

from __future__ import annotations

from collections.abc import Iterator

from portcullis.access.plan import AccessModel, SubjectKind
from portcullis.families import family_named
from portcullis.families.opensearch.granting.callers import is_nobody
from portcullis.model import names
from portcullis.model.access_types import DomainAccess
from portcullis.model.lints.findings import CODES, Facts, Finding, found
from portcullis.model.parts import Path
from portcullis.model.types import Deployment

_PRINCIPAL, _ADMINISTRATOR = "anonymous-principal", "anonymous-administrator"
_KINDS = (SubjectKind.BACKEND_ROLE, SubjectKind.INTERNAL_USER)


def of_file(deployment: Deployment, model: AccessModel) -> Iterator[Finding]:
    """Grants to as whom a domain sees whoever does not sign in."""
    access, masters = deployment.access, {*family_named(deployment.family).administrator_roles}
    for i, spec in enumerate(access.grants):
        subject = spec.to.subject
        if subject.kind in _KINDS and is_nobody(subject.name):
            given = {grant.role for grant in model.grants if grant.subject == subject}
            yield _of_entry(deployment, ("access", "grants", i, "to"), subject.name, bool(given & masters))
    for role, entries in (access.and_backend_roles if isinstance(access, DomainAccess) else {}).items():
        if entries and all(map(is_nobody, entries)):
            place = ("access", "and_backend_roles", role)
            yield _of_entry(deployment, place, ", ".join(entries), role in masters)


def _of_entry(deployment: Deployment, place: Path, name: str, administers: bool) -> Finding:
    code = _ADMINISTRATOR if administers else _PRINCIPAL
    what = "and administers the domain" if administers else "and has what it is granted"
    return found(
        deployment,
        code,
        place,
        f"{names.shown(name)} is whoever there is, also without signing in, where the engine lets them come, {what}",
        "grant it to a group or to people",
    )


def of_engine(deployment: Deployment, facts: Facts) -> Iterator[Finding]:
    """Whoever administers without a name, however they came to it."""
    if facts.held is None:
        return
    for admin in family_named(deployment.family).administrators(facts.held):
        if not admin.signs_in:
            yield Finding(
                _ADMINISTRATOR,
                CODES[_ADMINISTRATOR][0],
                f"the engine's security config, {admin.role}",
                f"whoever there is, also without signing in, has {admin.role} through {admin.entry_list} ({admin.entry})",
                "take it out at once, and look at who came in by it: the engine's audit log has their requests",
            )
