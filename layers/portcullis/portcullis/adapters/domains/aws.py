"""The configuration of a domain, changed through AWS."""

from __future__ import annotations

from typing import Any

from portcullis.clients import error_code, our_errors
from portcullis.errors import Refused
from portcullis.ports.registration import Registration

_ABSENT = "ResourceNotFoundException"
_SERVICE = "opensearchservice.amazonaws.com"


def let_into_vpcs(iam: Any) -> str:
    """Make the role without which the search service makes no domain in a VPC; an account has it once, and only the console makes it by
    itself. What was done, in words. `iam` is a boto3 client."""
    try:
        iam.create_service_linked_role(AWSServiceName=_SERVICE)
    except iam.exceptions.InvalidInputException as error:
        if "has been taken" not in str(error):
            raise Refused(f"iam create_service_linked_role: {error}") from error
        return "was there"
    return "made"


def empty_group(ec2: Any, group: str) -> None:
    """Take every rule out of a security group, in and out. Asked again it changes nothing. `ec2` is a boto3 client."""
    try:
        (held,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        for rules, revoke in (
            (held["IpPermissions"], ec2.revoke_security_group_ingress),
            (held["IpPermissionsEgress"], ec2.revoke_security_group_egress),
        ):
            if rules:
                revoke(GroupId=group, IpPermissions=rules)
    except ec2.exceptions.ClientError as error:
        raise Refused(f"the security group {group} could not be emptied: {error}") from error


class AwsDomain:
    """The Domain protocol. `client` is a boto3 OpenSearch client in the domain's Region."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def set_master(self, registration: Registration, role_arn: str) -> None:
        """Fine-grained access control then maps all_access to this ARN. Asked again with the same ARN it changes nothing."""
        options = {"MasterUserOptions": {"MasterUserARN": role_arn}}
        self._call("update_domain_config", DomainName=registration.place.name, AdvancedSecurityOptions=options)

    def exists(self, registration: Registration) -> bool:
        return self._described(registration) is not None

    def key_of(self, registration: Registration) -> str:
        status = self._described(registration) or {}
        return str((status.get("EncryptionAtRestOptions") or {}).get("KmsKeyId", ""))

    def delete(self, registration: Registration) -> None:
        try:
            self._call("delete_domain", DomainName=registration.place.name)
        except Refused as error:
            if error_code(error.__cause__ or error) != _ABSENT:
                raise

    def _described(self, registration: Registration) -> dict[str, Any] | None:
        try:
            status: dict[str, Any] = self._call("describe_domain", DomainName=registration.place.name)["DomainStatus"]
        except Refused as error:
            if error_code(error.__cause__ or error) == _ABSENT:
                return None
            raise
        return status

    def _call(self, call: str, **arguments: Any) -> Any:
        with our_errors(f"opensearch {call}"):
            return getattr(self._client, call)(**arguments)
