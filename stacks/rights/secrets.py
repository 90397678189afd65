"""What may be done with secrets: passwords, and the keys between clusters."""

from __future__ import annotations

from collections.abc import Sequence

from stacks.rights.grounds import UNKNOWN_END, ResourceArns
from stacks.rights.statements import Statements, allow, prefixed


def passwords(g: ResourceArns) -> Statements:
    """A new internal user needs one, whichever function finds that they are missing; whether one was rotated is asked by its version."""
    read = prefixed("secretsmanager", "DescribeSecret GetSecretValue")
    return [
        *allow(["secretsmanager:CreateSecret", *read], g.made_secrets),
        *allow(read, g.named_secrets),
        *_with_keys_of(["kms:Decrypt"], g.named_secrets, g),
    ]


def _with_keys_of(actions: Sequence[str], secrets: Sequence[str], g: ResourceArns) -> Statements:
    """What a secret needs that is under a key of its account's own."""
    return allow(
        actions,
        sorted({_any_key_of(secret) for secret in secrets}),
        StringEquals={"kms:ViaService": g.secrets_service},
        ArnLike={"kms:EncryptionContext:SecretARN": sorted(secrets)},
    )


def keys_between_clusters(g: ResourceArns) -> Statements:
    """Their texts: put where a file offers one, read there and where a file reads another cluster with one."""
    read = sorted({*g.offered_secrets, *g.remote_secrets})
    return [
        *allow(prefixed("secretsmanager", "CreateSecret PutSecretValue"), _not_there_yet(g.offered_secrets)),
        *allow(["secretsmanager:GetSecretValue"], _not_there_yet(read)),
        *_with_keys_of(["kms:Decrypt"], read, g),
        *_with_keys_of(["kms:GenerateDataKey"], g.offered_secrets, g),
        *allow(["ssm:SendCommand"], g.keystore_commands),
        *allow(["ssm:GetCommandInvocation"], ["*"] if g.keystore_commands else []),  # it takes no resource
    ]


def _not_there_yet(secrets: Sequence[str]) -> list[str]:
    """These, and as they are before they are made: asked for by the name alone, without the six characters that each gets then. Else
    nobody would be told that there is none, and the first key could not be put anywhere."""
    return sorted({*secrets, *(secret.removesuffix(UNKNOWN_END) for secret in secrets)})


def _any_key_of(secret: str) -> str:
    """A secret may be under a key of its account's own, which no file names: any, only ever through Secrets Manager for that secret."""
    partition, _, region, account = secret.split(":")[1:5]
    return f"arn:{partition}:kms:{region}:{account}:key/*"
