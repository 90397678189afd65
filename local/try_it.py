"""What a person may try on a running embedded default (`make up`), with the credentials of .portcullis/up.env:

python -m local.try_it join USER GROUP | leave USER GROUP | disable-key | enable-key
"""

from __future__ import annotations

import signal

if __name__ == "__main__":  # Ctrl-C while all the rest is imported ends it at once, and shows no traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import argparse
import contextlib
import json
import os
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.up import STATE


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.try_it", description="change something, as people do")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, meaning in (
        ("join", "add a Cognito user to a group, made if there is none"),
        ("leave", "remove one from a group"),
    ):
        one = verbs.add_parser(verb, help=meaning)
        one.add_argument("user")
        one.add_argument("group")
    verbs.add_parser("disable-key", help="disable the deployment's key")
    verbs.add_parser("enable-key", help="enable it again")
    asked = parser.parse_args()
    if not STATE.exists():
        print("portcullis: nothing is up; `make up` first", file=sys.stderr)
        return 1
    state = json.loads(STATE.read_text())
    if os.environ.get("AWS_ENDPOINT_URL") != state["aws"]:  # your own account, or an earlier `make up`
        print("portcullis: this shell does not speak to what is up; first: . .portcullis/up.env", file=sys.stderr)
        return 1
    try:
        if asked.verb in ("join", "leave"):
            idp, who = boto3.client("cognito-idp"), {"UserPoolId": state["pool"], "Username": asked.user}
            if asked.verb == "join":
                with contextlib.suppress(idp.exceptions.UsernameExistsException):
                    idp.admin_create_user(**who, MessageAction="SUPPRESS")
            change = idp.admin_add_user_to_group if asked.verb == "join" else idp.admin_remove_user_from_group
            change(**who, GroupName=asked.group)
        else:
            kms = boto3.client("kms")
            (kms.disable_key if asked.verb == "disable-key" else kms.enable_key)(KeyId=state["key"])
    except (BotoCoreError, ClientError) as error:
        print(f"portcullis: {error}", file=sys.stderr)
        return 1
    print("done")
    return 0


if __name__ == "__main__":
    sys.exit(main())
