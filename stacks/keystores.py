"""The document by which Systems Manager has the nodes of a cluster take a key out of its secret into their keystores.

The automation may send this document to the nodes of the file, and no other: it says an alias and nothing else. Which secret an alias
has is written here. The text of a key goes from Secrets Manager to the node, which asks as the role of its machine, and is in no
parameter, list of processes or output.
"""

from __future__ import annotations

import shlex
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_ssm as ssm
from portcullis.model import OnCluster
from portcullis.model.elasticsearch.keystores import Ssm

from stacks import names

_WITHIN_S = "60"  # whoever sent the command still waits for it then


def keystore_document(stack: Stack, file: OnCluster, way: Ssm) -> ssm.CfnDocument:
    secrets = {alias: one.credential for alias, one in file.remotes.items() if one.credential}
    return ssm.CfnDocument(
        stack,
        "Keystore",
        name=names.of(file.deployment, names.KEYSTORE),
        document_type="Command",
        document_format="JSON",
        update_method="NewVersion",
        content=content(secrets, way, stack.region),
    )


def content(secrets: dict[str, str], way: Ssm, region: str) -> dict[str, Any]:
    """`secrets`: alias -> the secret of the key that it is read with."""
    return {
        "schemaVersion": "2.2",
        "description": "Puts the key of a remote cluster from its secret into the keystore of this node, or takes it out.",
        "parameters": {
            "Alias": {
                "type": "String",
                "description": "By which name the other cluster is read.",
                "allowedPattern": "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$",
            },
            "Do": {"type": "String", "description": "What is done.", "allowedValues": ["put", "remove"]},
        },
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "keystore",
                "inputs": {"timeoutSeconds": _WITHIN_S, "runCommand": script(secrets, way, region)},
            }
        ],
    }


def script(secrets: dict[str, str], way: Ssm, region: str) -> list[str]:
    """Lines of a POSIX shell. The tool's own words are thrown away, as they may hold a key. A key is in no argument, as everybody on the
    machine sees those: `printf` is the shell's own."""
    known = [f"  {shlex.quote(alias)}) secret={shlex.quote(secret)} ;;" for alias, secret in sorted(secrets.items())]
    tool = f'env ES_PATH_CONF={shlex.quote(way.folder)} {shlex.quote(way.tool)} "$@"'
    return [
        "set -eu",
        "umask 077",
        f'as_the_node() {{ if [ "$(id -un)" = {shlex.quote(way.user)} ]; then {tool};'
        f" else runuser -u {shlex.quote(way.user)} -- {tool}; fi; }}",
        "alias='{{ Alias }}'",
        'setting="cluster.remote.$alias.credentials"',
        "if [ '{{ Do }}' = remove ]; then",
        '  said=$(as_the_node remove "$setting" 2>&1) && exit 0',
        '  case "$said" in *"does not exist in the keystore"*) exit 0 ;; *) exit 66 ;; esac',
        "fi",
        'case "$alias" in',
        *known,
        '  *) echo "the file names no such alias" >&2; exit 64 ;;',
        "esac",
        f'held=$(aws secretsmanager get-secret-value --region {shlex.quote(region)} --secret-id "$secret"'
        " --query SecretString --output text)",
        'text=$(printf \'%s\' "$held" | sed -n \'s/.*"api_key" *: *"\\([A-Za-z0-9+\\/=_-]*\\)".*/\\1/p\')',
        '[ -n "$text" ] || { echo "the secret holds no key" >&2; exit 65; }',
        'printf \'%s\' "$text" | as_the_node add --stdin --force "$setting" >/dev/null 2>&1',
    ]
