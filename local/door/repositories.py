"""Snapshot repositories of type s3, as Amazon's service takes them for every domain; the node behind the door knows `fs` only.

The plugin that writes to S3 needs S3. So a registration of type s3 is checked as Amazon checks it: the caller's own policies have to
let them pass `role_arn` on, that role has to trust the service, the bucket has to be there, and the role may list, read and (but for a
read-only one) write there and use the key that the bucket is under: its own policies, the bucket's and the key's together. Then the node
is told of an fs repository in its folder (path.repo), at BUCKET/BASE_PATH, with what was asked for kept beside it as a setting, so that
GET /_snapshot shows the s3 repository that was registered. The rest of /_snapshot passes unchanged. Nodes that were given the same
folder see what each other wrote into a bucket, as domains do.

What this leaves out:
- S3 itself: the files lie in the node's folder. What the role may do there is looked at once, when the repository is registered, and not
  at each snapshot and restore, as S3 does; a bucket deleted later is not missed.
- Encryption: the files are plain. A bucket key that is disabled is not felt, here or at a restore.
- Amazon's engine finds out by itself, with an exception of its own, that the role or the bucket is of no use; here it is a plain 400.
- A registration that is not plain JSON of at most a mebibyte (compressed, YAML) passes unread; the node answers that it knows no s3.
  A list in YAML, one cut by `filter_path`, _cat/repositories and the cluster's state show the fs repository.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_evaluator
from ministack.core.responses import request_scope
from ministack.services import iam, kms, s3

from local.door import callers, policy
from local.door.answers import Refused, malformed
from local.door.asked import Asked
from local.door.callers import Caller
from local.door.spec import Spec

SERVICES = ("es.amazonaws.com", "opensearchservice.amazonaws.com")
LARGEST = 1 << 20  # bytes of a registration
KEPT = "registered_as_s3"  # the setting of the fs repository that holds the s3 one's settings
# What means the same to both kinds. Not base_path: a newer fs takes one too, and would apply it a second time.
BOTH = ("chunk_size", "compress", "max_restore_bytes_per_sec", "max_snapshot_bytes_per_sec", "readonly")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
SEGMENT = re.compile(r"[a-z0-9][a-z0-9.-]{0,126}")  # begins with neither a dot nor nothing: it leads nowhere but down
LONGEST_PATH = 512
KEY = re.compile(r"<KMSMasterKeyID>([^<]+)</KMSMasterKeyID>")
ROLE = re.compile(r"arn:aws:iam::([0-9]{12}):role/(?:[\x21-\x7e]+/)?([\w+=,.@-]+)", re.ASCII)


def rewritten(asked: Asked, caller: Caller, body: list[bytes], spec: Spec) -> list[bytes]:
    """The body that the node gets; another one only for a registration of type s3. Raises Refused (400, 403).

    To be called once signature and access policy have been checked, over the body as it was sent.
    """
    settings = asked_for(asked, body)
    if settings is None:
        return body
    told = for_node(settings)
    role = settings.get("role_arn", "")
    if not role:
        raise _refused("settings.role_arn is needed for snapshot registration.")
    named = ROLE.fullmatch(role)
    if not named:
        raise malformed("settings.role_arn is not the ARN of a role")
    if named.group(1) != spec.account:
        raise _refused("Cross-account pass role is not allowed.")
    # First of all: whoever may not pass the role on is not told whether it is there.
    policy.check_pass_role(caller, asked, role, spec.region, SERVICES[0])
    stored = iam._roles.get_scoped(spec.account, None, named.group(2))
    if not stored or stored["Arn"] != role or not trusts(stored["AssumeRolePolicyDocument"], spec):
        raise _refused(f"The role {role} is not there, or does not trust {SERVICES[0]} for {spec.domain_arn}.")
    if not s3._buckets.contains_scoped(spec.account, None, settings["bucket"]):
        raise _refused(f"The specified bucket does not exist: {settings['bucket']}")
    store = callers.signed_in("", role, spec.region, time.time(), session="AmazonOpenSearchService")
    for action, resource in _needed(settings, _key_of(settings["bucket"], spec)):
        if store is None or not policy.lets_store(store, asked, action, resource, spec.region):
            raise _refused(f"The role {role} is not authorized to perform: {action} on resource: {resource}")
    return [json.dumps(told).encode()]


def _needed(settings: Mapping[str, str], key: str) -> Iterator[tuple[str, str]]:
    """What Amazon's service has to be allowed: action and resource. `key`: the ARN of the bucket's, empty for S3's own. Pure."""
    bucket = f"arn:aws:s3:::{settings['bucket']}"
    objects = "/".join(part for part in (bucket, settings.get("base_path", ""), "index-0") if part)
    yield "s3:ListBucket", bucket
    yield "s3:GetObject", objects
    if key:
        yield "kms:Decrypt", key
    if settings.get("readonly") != "true":
        yield "s3:PutObject", objects
        yield "s3:DeleteObject", objects
        if key:
            yield "kms:GenerateDataKey", key


def _key_of(bucket: str, spec: Spec) -> str:
    """The key that a bucket is under by default; empty where it is S3's own."""
    said = s3._bucket_encryption.get_scoped(spec.account, None, bucket) or ""
    named = KEY.search(said)
    if not named:
        return ""
    with request_scope(spec.account, spec.region):
        key = kms._resolve_key(named.group(1))
    return str(key["Arn"]) if key else named.group(1)


def asked_for(asked: Asked, body: Sequence[bytes]) -> dict[str, str] | None:
    """The settings of a registration of type s3; None for any other request. Raises Refused (400) for settings that are none. Pure."""
    if asked.method not in ("PUT", "POST") or not _is_repository(asked) or sum(map(len, body)) > LARGEST:
        return None
    kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or "content-encoding" in asked.headers:
        return None
    try:
        given = json.loads(b"".join(body))
    except (ValueError, RecursionError):
        return None
    if not isinstance(given, dict) or given.get("type") != "s3":
        return None
    settings = given.get("settings")
    if not isinstance(settings, dict):
        raise malformed("a repository of type s3 needs settings")
    return {name: _text(name, value) for name, value in settings.items()}


def for_node(settings: Mapping[str, str]) -> dict[str, Any]:
    """The fs repository that stands for an s3 one. Raises Refused (400) for a name that cannot be a folder's. Pure."""
    place = location(settings.get("bucket", ""), settings.get("base_path", ""))
    same = {name: settings[name] for name in BOTH if name in settings}
    return {"type": "fs", "settings": {**same, "location": place, KEPT: json.dumps(dict(settings))}}


def location(bucket: str, base_path: str) -> str:
    """Below the node's path.repo, never outside it. Raises Refused (400). Pure."""
    if not BUCKET.fullmatch(bucket):
        raise malformed("settings.bucket: 3 to 63 small letters, digits, dots and dashes")
    if not base_path:
        return bucket
    if len(base_path) > LONGEST_PATH or not all(SEGMENT.fullmatch(one) for one in base_path.split("/")):
        raise malformed(
            "settings.base_path: names of small letters, digits, dots and dashes, a letter or digit first, with / between them"
        )
    return f"{bucket}/{base_path}"


def lists(asked: Asked) -> bool:
    """Whether the answer may show repositories. Pure."""
    return asked.method == "GET" and _is_repository(asked, or_all=True)


def shown(content: bytes) -> bytes:
    """The node's answer with the s3 repositories as they were registered; byte for byte the same if it has none. Pure."""
    try:
        answer = json.loads(content)
    except ValueError:
        return content
    if not isinstance(answer, dict):
        return content
    found = {name: _registered(entry) for name, entry in answer.items()}
    if not any(found.values()):
        return content
    back = {
        name: {**entry, "type": "s3", "settings": found[name]} if found[name] else entry
        for name, entry in answer.items()
    }
    return json.dumps(back).encode()


def trusts(document: str | Mapping[str, Any], spec: Spec) -> bool:
    """Whether a role's trust policy lets Amazon's service take it for this domain."""
    statements, fault = policy.statements_of(document)
    if fault or policy.fault_in(statements):
        return False
    return any(_trusts(statements, service, spec) for service in SERVICES)


def _trusts(statements: Sequence[Mapping[str, Any]], service: str, spec: Spec) -> bool:
    # The evaluator takes no service for a caller: what names this one is put as naming everybody, the rest is left out.
    named = [{**one, "Principal": "*"} for one in statements if _names(one, service)]
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account="",
        action="sts:AssumeRole",
        resource_arn="*",
        region=spec.region,
        service_context={"aws:sourceaccount": spec.account, "aws:sourcearn": spec.domain_arn},
    )
    return bool(iam_evaluator.evaluate_trust_policy({"Statement": named}, service, context))


def _names(statement: Mapping[str, Any], service: str) -> bool:
    principal = statement.get("Principal")
    if principal in ("*", {"AWS": "*"}, {"AWS": ["*"]}):
        return bool(statement["Effect"] == "Deny")
    return bool(iam_evaluator._service_principal_matches(principal, service))


def _registered(entry: Any) -> dict[str, str]:
    """The settings kept beside an fs repository; empty for one that stands for nothing else, or was given such a setting by hand."""
    settings = entry.get("settings") if isinstance(entry, dict) and entry.get("type") == "fs" else None
    try:
        kept = json.loads(settings[KEPT]) if isinstance(settings, dict) and KEPT in settings else None
    except (TypeError, ValueError, RecursionError):
        return {}
    return kept if isinstance(kept, dict) and all(isinstance(one, str) for one in kept.values()) else {}


def _is_repository(asked: Asked, *, or_all: bool = False) -> bool:
    """`/_snapshot/NAME` as the node reads it: each segment is decoded by itself, a last slash does not count."""
    segments = [unquote(one) for one in asked.path.removesuffix("/").split("/")[1:]]
    return segments[:1] == ["_snapshot"] and (len(segments) == 2 or (or_all and len(segments) == 1))


def _text(name: str, value: Any) -> str:
    """As the node shows settings."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise malformed(f"settings.{name} is neither text nor a number nor true or false")
    return str(value)


def _refused(message: str) -> Refused:
    return Refused(400, {"Message": message})
