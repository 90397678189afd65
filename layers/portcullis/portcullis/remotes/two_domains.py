"""What a deployment file leaves open of names, filled in for one of two domains, so that the names of both can be compared. Pure.

A file says neither its account nor its user pool, and `of_file` puts words in their place. An account may be that of both domains; a pool
is of one deployment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from portcullis.access.actual import Actual, Json
from portcullis.access.plan import SubjectKind
from portcullis.access.questions.persons import Person
from portcullis.families.opensearch.documents.config import MAPPING_LISTS, Kind, SecurityConfig

_OPEN_ACCOUNT, _OPEN_POOL, _OPEN_ROLE = "arn:aws:iam::ACCOUNT:", "Cognito/POOL/", "::ACCOUNT:role/(role of "


def domain_of(arn: str) -> str:
    """The name of a domain, by its ARN."""
    return arn.partition(":domain/")[2]


def account_of(arn: str) -> str:
    return arn.split(":")[4]


def placed(person: Person, arn: str) -> Person:
    """A person of a file, as the domain with this ARN would know them."""
    caller = person.caller
    if caller is None:
        return person
    backend_roles = tuple(_placed(one, arn) for one in caller.backend_roles)
    known = replace(caller, name=_placed(caller.name, arn), backend_roles=backend_roles)
    return replace(person, entry=_placed(person.entry, arn), caller=known)


def placed_mappings(held: Actual, arn: str) -> Actual:
    """What a file asks for, with the mappings as the domain with this ARN would hold them."""
    documents: dict[str, Mapping[str, Json]] = {str(kind): held.of(kind) for kind in Kind}
    documents[str(Kind.MAPPINGS)] = {
        role: {
            key: [_placed(one, arn) for one in value] if key in MAPPING_LISTS else value
            for key, value in mapping.items()
        }
        for role, mapping in held.of(Kind.MAPPINGS).items()
    }
    return SecurityConfig(documents)


def _placed(entry: str, arn: str) -> str:
    partition, account, name = arn.split(":")[1], account_of(arn), domain_of(arn)
    if entry.startswith(f"{SubjectKind.COGNITO_GROUP.value}:"):
        return f"{entry} of {name}"
    if entry.startswith(f"{SubjectKind.IAM_GROUP.value}:"):
        return f"{entry} of {account}"
    entry = entry.replace(_OPEN_POOL, f"Cognito/(pool of {name})/")
    entry = entry.replace(_OPEN_ROLE, f"::ACCOUNT:role/(of {name}: role of ")
    return entry.replace(_OPEN_ACCOUNT, f"arn:{partition}:iam::{account}:")
