"""The verbs as the `operate` function runs them for a person: one request in, one answer out.

Request:  {"verb": "lock", "deployment": "demo", "arguments": {"reason": "..."}}
Answer:   {"exit_status": 0, "answer": ...}, or {"exit_status": 1, "error": "...", ...}: what the command line shows and exits with.

Who may call what is IAM's decision: the function has one alias a level (look, act, delete), and a verb runs only through an alias
of its level or above.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from portcullis.errors import BadInput, PortcullisError, Refused
from portcullis.operations.verbs import LEVELS, VERBS
from portcullis.operations.world import Cause, World, from_environment


def answer(request: Mapping[str, Any], function_arn: str, logger: Any) -> dict[str, Any]:
    """Run one request; errors become part of the answer, so that the caller shows them as his own."""
    try:
        done = carry_out(from_environment(), request, alias=function_arn.rsplit(":", 1)[-1])
    except PortcullisError as error:
        logger.warning("refused", extra={"verb": request.get("verb"), "error": str(error)})
        return {"exit_status": error.exit_status, "error": str(error)}
    return {"exit_status": done.get("exit_status", 0) if isinstance(done, dict) else 0, "answer": done}


def carry_out(world: World, request: Mapping[str, Any], *, alias: str) -> Any:
    """One verb with its arguments. BadInput for what is not a verb or not an argument of it; Refused for the wrong alias."""
    name = request.get("verb")
    verb = VERBS.get(name) if isinstance(name, str) else None
    if verb is None:
        raise BadInput(f"no verb {name!r}", source="request", place="verb", remedy=f"one of {', '.join(sorted(VERBS))}")
    if alias not in LEVELS or LEVELS.index(alias) < LEVELS.index(verb.level):
        raise Refused(f"{name} needs the alias {verb.level!r} of this function; it was called as {alias!r}")
    arguments = request.get("arguments") or {}
    if not isinstance(arguments, Mapping):
        raise BadInput("not an object", source="request", place="arguments", remedy='e.g. {"reason": "..."}')
    deployment = request.get("deployment")
    if verb.of_deployment and not isinstance(deployment, str):
        raise BadInput("no deployment is named", source="request", place="deployment", remedy="name one")
    unknown = sorted(set(arguments) - verb.arguments)
    if unknown:
        known = ", ".join(sorted(verb.arguments)) or "none"
        raise BadInput(
            f"{name} takes no {unknown[0]!r}", source="request", place="arguments", remedy=f"it takes: {known}"
        )
    cause = Cause(str(request.get("cause") or f"portcullis {name}"), str(request.get("actor") or "a person"))
    done = (
        verb.run(world, deployment, cause, **arguments) if verb.of_deployment else verb.run(world, cause, **arguments)
    )
    return msgspec.to_builtins(done)
