"""The CDK app: `cdk deploy --all`, or `python app.py -o FOLDER` to synthesise without the CDK CLI.

Context (`-c name=value`, here as with the CLI): deployments=FOLDER (default: deployments), account=, region= (default: where the CLI's
credentials are), trail=existing (the account has a trail that records management events of all Regions), reserve=none (no reserved
concurrency: for accounts whose limit is too low for it), managed_policies=20 (how many IAM attaches to a role in this account, where
its quota was raised), @aws-cdk/core:bootstrapQualifier= (of another bootstrapping than the CDK's own).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "portcullis")]

from portcullis.errors import BadInput, PortcullisError  # noqa: E402
from portcullis.model import ACCOUNT_FILE, load_account  # noqa: E402

from layers.build import BuildFailed  # noqa: E402


def synthesise(context: Mapping[str, str], out: Path | None = None) -> Path:
    """Write the cloud assembly and return its folder. Raises BadInput before there is a template."""
    import stacks  # puts Node on PATH: before aws_cdk
    from stacks.deployments import check_keys, load_all
    from stacks.names import MANAGED, QUOTA, check_names, check_partition
    from stacks.regions import check_region

    assert stacks  # noqa: S101 - imported for what it does
    folder = Path(context.get("deployments", ROOT / "deployments"))
    deployments, shared = load_all(folder), load_account(folder)
    check_names(deployments)
    account = _setting(context, "account", "CDK_DEFAULT_ACCOUNT", r"\d{12}", "an account id of twelve digits")
    region = _setting(
        context, "region", "CDK_DEFAULT_REGION", r"[a-z]{2}(-[a-z]+)+-\d", "a Region's name, such as eu-central-1"
    )
    check_keys(deployments, account)
    check_partition(region)
    check_region(region, deployments, shared, account_file=folder / ACCOUNT_FILE)
    quota = tuple(map(str, MANAGED))
    for name, known in (("trail", ("own", "existing")), ("reserve", ("yes", "none")), (QUOTA, quota)):
        if context.get(name, known[0]) not in known:
            raise BadInput(f"{name} is {context[name]!r}", source="context", place=name, remedy=" or ".join(known))
    from stacks.composition import compose

    return compose(
        deployments,
        network=shared.network,
        reads_policies=shared.look.iam_policies,
        pages=shared.report,
        account=account,
        region=region,
        own_trail=context.get("trail") != "existing",
        reserve=context.get("reserve") != "none",
        # What is the CDK's own may be said on the command line, too: the bootstrap qualifier, say.
        context=json.loads((ROOT / "cdk.json").read_text())["context"]
        | {name: value for name, value in context.items() if name.startswith("@aws-cdk/") or name == QUOTA},
        out=out,
    )


def _setting(context: Mapping[str, str], name: str, variable: str, form: str, remedy: str) -> str:
    value = context.get(name) or os.environ.get(variable, "")
    if not re.fullmatch(form, value):
        problem = f"{value!r} will not do" if value else f"neither -c {name}=... nor {variable} is given"
        raise BadInput(problem, source="context", place=name, remedy=remedy)
    return value


def _arguments() -> tuple[dict[str, str], Path | None]:
    """The context of the CDK CLI (an environment variable) and of our own command line."""
    parser = argparse.ArgumentParser(prog="app.py", description="synthesise the stacks")
    parser.add_argument("-c", "--context", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("-o", "--output", type=Path, help="folder of the cloud assembly (default: cdk.out)")
    asked = parser.parse_args()
    context = {name: str(value) for name, value in json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}")).items()}
    for pair in asked.context:
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadInput(f"{pair!r} is no context", source="command line", remedy="-c NAME=VALUE")
        context[name] = value
    return context, asked.output or (None if os.environ.get("CDK_OUTDIR") else ROOT / "cdk.out")


def main() -> int:
    try:
        synthesise(*_arguments())
    except PortcullisError as error:
        print(f"portcullis: {error}", file=sys.stderr)
        return error.exit_status
    except BuildFailed as error:
        print(f"portcullis: the layer could not be built: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
