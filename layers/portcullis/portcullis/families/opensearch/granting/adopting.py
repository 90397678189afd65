"""What an engine holds, as a deployment file would say it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from portcullis.access.actual import Actual, Json
from portcullis.access.desired import Desired
from portcullis.access.plan import Claim, Grant, Subject
from portcullis.families.base import Adoptable, Choice
from portcullis.families.opensearch.documents.compare import same, without_nothing
from portcullis.families.opensearch.documents.config import MAPPING_LISTS, Kind
from portcullis.families.opensearch.granting.administering import administers
from portcullis.families.opensearch.granting.callers import let_in_by

SECTIONS = {Kind.ROLES: "roles", Kind.ACTION_GROUPS: "action_groups", Kind.TENANTS: "tenants", Kind.USERS: "users"}
# What a deployment file can hold of each kind of document.
_FIELDS = {
    Kind.ROLES: {"description", "cluster_permissions", "index_permissions", "tenant_permissions"},
    Kind.ACTION_GROUPS: {"description", "type", "allowed_actions"},
    Kind.TENANTS: {"description"},
    Kind.USERS: {"description", "backend_roles", "attributes"},
}


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
            there, asked = held.get(kind, name) or {}, wanted.of(kind).get(name)
            if held.is_fixed(kind, name) or held.of(kind)[name].get("hidden") or Claim(kind, name) in others:
                continue
            if asked is not None and same(asked, there):
                continue
            claim = Claim(kind, name)
            more = administers(held, claim, there) and not (asked is not None and administers(held, claim, asked))
            if why := choice.refuses(claim, more):
                found.left += [f"{claim}: {why}"] if why != "-" else []
            elif asked is not None and name not in declared[section]:
                found.left.append(f"{Claim(kind, name)}: differs from what Portcullis or a level makes of it")
            elif beyond := _beyond(kind, there):
                found.left.append(f"{Claim(kind, name)}: a deployment file cannot hold {beyond}")
            else:
                found.documents[section, name] = _value(kind, there)
    for role in sorted(held.of(Kind.MAPPINGS)):
        if not held.is_fixed(Kind.MAPPINGS, role) and role in held.of(Kind.ROLES):
            _mapping(role, held, wanted, others, found, choice, subject_of, let_in_by(held, shut_out))
    return found


def _beyond(kind: Kind, document: Json) -> str:
    """What of a document has no place in a deployment file."""
    fields = sorted(name for name, value in document.items() if value and name not in _FIELDS[kind] | {"hash"})
    return ", ".join(fields)


def _value(kind: Kind, document: Json) -> Json:
    """The document without what is empty or does nothing, field by field in the order the engine shows."""
    cleaned = without_nothing(document)
    return {name: _full(value) for name, value in cleaned.items() if name in _FIELDS[kind] and value}


def _full(value: Any) -> Any:
    if isinstance(value, list):
        return [_full(item) for item in value]
    if isinstance(value, dict):
        return {name: item for name, item in value.items() if item}
    return value


def _mapping(
    role: str,
    held: Actual,
    wanted: Desired,
    others: Collection[Claim],
    found: Adoptable,
    choice: Choice,
    subject_of: Callable[[str, str], Subject | None],
    break_glass: Collection[Claim],
) -> None:
    administrator = administers(held, Claim(Kind.MAPPINGS, role))
    for entry_list in MAPPING_LISTS:
        there = dict.fromkeys(held.entries(role, entry_list))
        if entry_list == "and_backend_roles":
            if there and there.keys() != wanted.entries.get(role, {}).get(entry_list, {}).keys():
                if any(Claim(Kind.MAPPINGS, role, entry_list, entry) in others for entry in there):
                    continue
                refused = {choice.refuses(Claim(Kind.MAPPINGS, role, entry_list, e), administrator) for e in there}
                if refused == {""}:
                    found.both[role] = list(there)
                else:
                    whole = f"{Claim(Kind.MAPPINGS, role, entry_list, ' and '.join(there))}"
                    found.left += [f"{whole}: {why}" for why in sorted(refused - {"", "-"})]
            continue
        for entry in there:
            if not entry.strip():
                continue  # maps nobody
            claim = Claim(Kind.MAPPINGS, role, entry_list, entry)
            if claim in others or wanted.because(role, entry_list, entry) is not None:
                continue
            why = choice.refuses(claim, administrator)
            subject = subject_of(entry_list, entry)
            if why:
                found.left += [f"{claim}: {why}"] if why != "-" else []
            elif claim in break_glass:
                found.left.append(f"{claim}: it lets break-glass in, which only a window of a lock does")
            elif subject is None:
                found.left.append(f"{claim}: a deployment file has no word for it")
            else:
                found.grants.append((entry_list, entry, Grant(subject, role, "adopted")))
