"""Brings the stacks of an assembly up (or to their new state) through change sets, in the order they depend on each other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import ClientError
from portcullis.errors import BadInput, PortcullisError

from local.deploy.assembly import Assembly, Asset, StackArtifact

TEMPLATES = "templates-to-deploy"  # a bucket a Region, of whoever deploys: the assets' buckets are those that the assembly names
BOOTSTRAP_VERSION = "30"  # what the templates' own rule asks for is 6 or later
CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
AT_ONCE = 3
_PATIENCE_S = 300.0  # with a stack that neither comes up nor fails
NO_CHANGE = ("didn't contain changes", "No updates are to be performed")

Tell = Callable[[str], None]
Outputs = dict[str, dict[str, str]]


class Account(Protocol):
    """Where to deploy: what `Emulator` is, and what any wrapper of boto3 can be."""

    region: str
    account: str

    def client(self, service: str, region: str | None = None) -> Any: ...


class DeploymentFailed(PortcullisError):
    """A stack did not come up. The message names the resources that failed, each with its reason, the first cause first."""


def deploy(
    folder: Path,
    account: Account,
    *,
    swap_assets: Mapping[str, Path] | None = None,
    tell: Tell = lambda _line: None,
) -> Outputs:
    """Deploy every stack of the assembly in `folder`; returns each stack's outputs by stack name.

    `swap_assets`: asset id (or display name, or name of its source folder) -> other bytes to upload under the same key,
    for a layer built for this machine instead of Lambda's. A second call changes only what changed. DeploymentFailed with
    the reasons if a stack fails; stacks that depend on it are not begun, those that run are waited for.
    """
    assembly = Assembly.read(folder, account=account.account, region=account.region)
    bucket = _Bucket(account)
    bucket.publish(assembly, dict(swap_assets or {}))

    def bring_up(stack: StackArtifact) -> dict[str, str]:
        began = time.monotonic()
        what, outputs = _bring_up(account, stack, bucket)
        tell(f"{stack.name} ({stack.region}) {what} in {time.monotonic() - began:.1f} s")
        return outputs

    order = {stack.id: stack.after & assembly.stacks.keys() for stack in assembly.stacks.values()}
    done = _in_order(order, {stack.id: partial(bring_up, stack) for stack in assembly.stacks.values()})
    return {assembly.stacks[stack_id].name: outputs for stack_id, outputs in done.items()}


def destroy(folder: Path, account: Account) -> None:
    """Delete the stacks of the assembly, those that depend on others first. Stacks that are not there are passed over."""
    assembly = Assembly.read(folder, account=account.account, region=account.region)
    before: dict[str, set[str]] = {stack_id: set() for stack_id in assembly.stacks}
    for stack in assembly.stacks.values():
        for needed in stack.after & assembly.stacks.keys():
            before[needed].add(stack.id)

    def take_down(stack: StackArtifact) -> dict[str, str]:
        cloudformation = account.client("cloudformation", region=stack.region)
        found = _describe(cloudformation, stack.name)
        if found is None:
            return {}
        cloudformation.delete_stack(StackName=stack.name)
        status = _settle(cloudformation, found["StackId"])["StackStatus"]
        if status != "DELETE_COMPLETE":
            raise DeploymentFailed(_reasons(cloudformation, found["StackId"], stack.name, status))
        return {}

    _in_order(before, {stack.id: partial(take_down, stack) for stack in assembly.stacks.values()})


def _in_order(
    after: Mapping[str, Iterable[str]], work: Mapping[str, Callable[[], dict[str, str]]]
) -> dict[str, dict[str, str]]:
    """Run each piece of work once all that it must follow is done, several at once. The first failure stops new ones."""
    waiting = {name: set(needed) for name, needed in after.items()}
    done: dict[str, dict[str, str]] = {}
    failure: BaseException | None = None
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running: dict[Future[dict[str, str]], str] = {}
        while waiting or running:
            ready = [] if failure else [name for name, needed in waiting.items() if needed <= done.keys()]
            for name in ready:
                del waiting[name]
                running[pool.submit(work[name])] = name
            if not running:
                if failure:
                    raise failure
                raise BadInput(f"the stacks depend on one another in a circle: {', '.join(sorted(waiting))}")
            for finished in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(finished)
                error = finished.exception()
                if error is None:
                    done[name] = finished.result()
                else:
                    failure = failure or error
    if failure:
        raise failure
    return done


class _Bucket:
    """The asset buckets that `cdk bootstrap` would have made, one a Region, and what was put there."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._made: set[str] = set()
        self._lock = threading.Lock()

    def publish(self, assembly: Assembly, swap: dict[str, Path]) -> None:
        asked = {(stack.region, name) for stack in assembly.stacks.values() for name in stack.bootstrap_parameters()}
        for region, parameter in sorted(asked):
            self._account.client("ssm", region=region).put_parameter(
                Name=parameter, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True
            )
        used = set()
        for asset in assembly.assets.values():
            names = (asset.id, asset.display_name, asset.source.name)
            name = next((n for n in names if n in swap), None)
            if name is not None:
                used.add(name)
            body = asset.body(swap[name] if name is not None else None)
            self._upload(asset, body)
        if unknown := swap.keys() - used:
            raise BadInput(
                f"the assembly has no asset {', '.join(sorted(unknown))} to swap", source=str(assembly.folder)
            )

    def _upload(self, asset: Asset, body: bytes) -> None:
        for destination in asset.destinations:
            self.put(destination.region, destination.bucket, destination.key, body)

    def put(self, region: str, bucket: str, key: str, body: bytes) -> None:
        s3 = self._account.client("s3", region=region)
        with self._lock:
            if bucket not in self._made:
                where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
                try:
                    s3.create_bucket(Bucket=bucket, **where)
                except ClientError as refused:
                    if refused.response["Error"]["Code"] not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                        raise
                self._made.add(bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=body)

    def template(self, stack: StackArtifact) -> str:
        """Upload the template (it may be too long to send along) and return its address."""
        bucket, key = f"{TEMPLATES}-{self._account.account}-{stack.region}", f"{stack.name}.json"
        self.put(stack.region, bucket, key, stack.template.read_bytes())
        s3 = self._account.client("s3", region=stack.region)
        address: str = s3.meta.endpoint_url
        return f"{address}/{bucket}/{key}"


def _bring_up(account: Account, stack: StackArtifact, bucket: _Bucket) -> tuple[str, dict[str, str]]:
    cloudformation = account.client("cloudformation", region=stack.region)
    found = _describe(cloudformation, stack.name)
    if found and found["StackStatus"] in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS"):
        # What a failed first deployment leaves behind; it can only be deleted.
        cloudformation.delete_stack(StackName=stack.name)
        _settle(cloudformation, found["StackId"])
        found = None
    change_set = f"portcullis-{time.time_ns()}"
    try:
        made = cloudformation.create_change_set(
            StackName=stack.name,
            ChangeSetName=change_set,
            ChangeSetType="UPDATE" if found else "CREATE",
            TemplateURL=bucket.template(stack),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
            Tags=[{"Key": key, "Value": value} for key, value in stack.tags.items()],
            Capabilities=CAPABILITIES,
        )
    except ClientError as refused:
        raise DeploymentFailed(f"{stack.name}: {refused.response['Error']['Message']}") from refused
    deadline = time.monotonic() + _PATIENCE_S
    while (state := cloudformation.describe_change_set(ChangeSetName=made["Id"]))["Status"].endswith(
        ("PENDING", "PROGRESS")
    ):
        if time.monotonic() > deadline:
            raise DeploymentFailed(f"{stack.name}: the change set was not ready after {_PATIENCE_S:.0f} s")
        time.sleep(0.05)
    if state["Status"] == "FAILED":
        if found and any(text in state.get("StatusReason", "") for text in NO_CHANGE):
            cloudformation.delete_change_set(ChangeSetName=made["Id"])
            return "unchanged", _outputs(found)
        raise DeploymentFailed(f"{stack.name}: {state.get('StatusReason', 'the change set failed')}")
    cloudformation.execute_change_set(ChangeSetName=made["Id"])
    settled = _settle(cloudformation, made["StackId"])
    if settled["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeploymentFailed(_reasons(cloudformation, made["StackId"], stack.name, settled["StackStatus"]))
    return ("updated" if found else "created"), _outputs(settled)


def _describe(cloudformation: Any, name: str) -> dict[str, Any] | None:
    try:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as refused:
        if "does not exist" in str(refused):
            return None
        raise
    return stack


def _settle(cloudformation: Any, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        stack = _describe(cloudformation, name)
        if stack is None:
            return {"StackStatus": "DELETE_COMPLETE"}
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return stack
        if time.monotonic() > deadline:
            raise DeploymentFailed(
                _reasons(cloudformation, name, stack["StackName"], f"{stack['StackStatus']} for {_PATIENCE_S:.0f} s")
            )
        time.sleep(0.1)


def _reasons(cloudformation: Any, stack_id: str, name: str, status: str) -> str:
    events = [event for page in _pages(cloudformation, stack_id) for event in page]
    lines = [
        f"  {event['LogicalResourceId']} ({event.get('ResourceType', '')}): {event.get('ResourceStatusReason', 'no reason given')}"
        for event in sorted(events, key=lambda event: event["Timestamp"])
        if event["ResourceStatus"].endswith("FAILED")
    ]
    return "\n".join([f"{name} is {status}", *(dict.fromkeys(lines) or ["  (no failed resource was reported)"])])


def _pages(cloudformation: Any, stack_id: str) -> Iterable[list[dict[str, Any]]]:
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        yield page["StackEvents"]


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
