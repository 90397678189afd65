"""Other services that write to a domain, each let in with what its guide asks for and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portcullis.access.actual import Json
from portcullis.access.plan import Subject, SubjectKind
from portcullis.errors import BadInput, Refused
from portcullis.operations.access.editing import Edited, edit_and_apply
from portcullis.operations.services import Services, Trigger

if TYPE_CHECKING:
    from portcullis.model.access_types import Role

# service -> (role, permissions on the cluster, on its indices), as Amazon's guide to fine-grained access control lists them.
_SERVICES: dict[str, tuple[str, list[str], list[str]]] = {
    "firehose": ("firehose", ["cluster_composite_ops", "cluster_monitor"], ["create_index", "manage", "crud"]),
}


def integration_add(
    services: Services, deployment: str, cause: Trigger, *, service: str, role: str, index: str, text: str | None = None
) -> Edited:
    """Let the IAM role of a service in: a role in the model for these indices, and a grant of it. Other indices add up."""
    from portcullis import model
    from portcullis.model.names import SYSTEM_INDICES, matches
    from portcullis.model.text.editing import add_grant, set_access

    if service not in _SERVICES:
        known = ", ".join(sorted(_SERVICES))
        raise BadInput(f"no integration {service!r}", source="request", place="service", remedy=f"one of {known}")
    if covered := [own for own in SYSTEM_INDICES if "*" in index and matches(index, own)]:
        raise BadInput(
            f"{index!r} covers the engine's own indices too, {covered[0]} among them",
            source="request",
            place="index",
            remedy=f"the indices that {service} writes to, such as {service}-*",
        )
    name, on_cluster, on_indices = _SERVICES[service]

    def allowed(text: str) -> str:
        file = model.loads(text, f"{deployment}.yaml")
        if not isinstance(file, model.OnDomain):
            raise Refused(
                f"{deployment} is a cluster, which lets in no IAM role: {service} comes to it as a user of its own"
            )
        declared = file.access.roles.get(name)
        patterns, about = [index], {}
        if declared is not None:
            if not _is_as_made(declared, on_cluster, on_indices):  # what else is in it would be lost
                raise Refused(f"the model has a role {name} of its own that is not {service}'s: rename it first")
            patterns = list(dict.fromkeys([*declared.index_permissions[0].index_patterns, index]))
            about = {"description": declared.description} if declared.description else {}
        value: Json = {
            **about,
            "cluster_permissions": on_cluster,
            "index_permissions": [{"index_patterns": patterns, "allowed_actions": on_indices}],
        }
        return set_access("roles", name, value)(text)

    changes = [allowed, add_grant(Subject(SubjectKind.IAM_ROLE, role), role=name)]
    return edit_and_apply(services, deployment, cause, changes, operation="integration add", text=text)


def _is_as_made(declared: Role, on_cluster: list[str], on_indices: list[str]) -> bool:
    """But for its indices, and what it is called by people."""
    if len(declared.index_permissions) != 1 or declared.tenant_permissions:
        return False
    (one,) = declared.index_permissions
    limited = one.dls or one.fls or one.masked_fields
    same = (set(declared.cluster_permissions), set(one.allowed_actions)) == (set(on_cluster), set(on_indices))
    return same and not limited
