"""The key that a deployment file names, before anything is deployed: seen by the credentials around us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from portcullis import model, wiring
from portcullis.clients import client, own_session
from portcullis.custody.keys.key_policy import Context
from portcullis.custody.keys.key_types import Advice, KeyWanted, Weight
from portcullis.errors import BadInput
from portcullis.operations.keys.check import KeyChecked, PolicyToPaste, checked, paste
from portcullis.ports.keys import KeyDesk


def check_file(text: str, source: str) -> KeyChecked:
    """What is right and wrong with it. A key that the deployment is to make is a note where it is not there yet."""
    wanted, desk, made = _of_file(text, source)
    answers = desk.describe(wanted.named)
    found = checked(wanted, answers, datetime.now(UTC))
    if not made or (isinstance(answers.describe, dict) and answers.describe.get("KeyMetadata")):
        return found
    note = Advice("key-not-made", Weight.NOTE, f"{wanted.named} is not there yet", "the deployment makes it")
    return replace(found, findings=(note,), exit_status=0)


def policy_for_file(text: str, source: str, org_paths: Sequence[str] = ()) -> PolicyToPaste:
    """What the owner of the key has to paste."""
    wanted, _, _ = _of_file(text, source)
    return paste(wanted, org_paths or model.loads(text, source).key.org_paths)


def _of_file(text: str, source: str) -> tuple[KeyWanted, KeyDesk, bool]:
    """What the file asks of its key, who can be asked, and whether the deployment is to make the key."""
    file = model.loads(text, source)
    region = own_session().region_name
    if not region:
        raise BadInput("no Region is set", source="environment", place="AWS_REGION", remedy="that of the domain")
    _, partition, _, _, account, _ = client("sts", region).get_caller_identity()["Arn"].split(":", 5)
    alias = file.key.alias or f"alias/portcullis/{file.deployment}"
    named = file.key.arn or f"arn:{partition}:kms:{region}:{account}:{alias}"
    wanted = KeyWanted(
        deployment=file.deployment,
        context=Context(account, region, partition),
        named=named,
        by_service=isinstance(file, model.OnDomain),
        alias=named.split(":", 5)[5] if isinstance(file, model.OnCluster) and ":alias/" in named else "",
        replicas=tuple(file.key.replicas),
        on_demand_days=file.key.on_demand_rotation_days,
    )
    return wanted, wiring.key_desk(region), file.key.arn is None
