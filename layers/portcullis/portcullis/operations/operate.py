"""The verbs as the `operate` function runs them for a person: one request in, one answer out.

Request:  {"verb": "lock", "deployment": "demo", "arguments": {"reason": "..."}}
Answer:   {"exit_status": 0, "answer": ...}, or {"exit_status": 1, "error": "...", ...}: what the command line shows and exits with.

Who may call what is IAM's decision: the function has one alias a level (look, act, delete), and a verb runs only through an alias
of its level or above.

Who called is not told to a function. A request may carry a proof (see `identity.caller`), and then the history names who AWS says it
was. Without one, or if STS cannot be asked, it names who the caller says he is, and says so: an emergency does not wait for a proof.
CloudTrail has the truth either way.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

import msgspec

from portcullis.errors import BadInput, PortcullisError, Refused
from portcullis.operations.verbs import LEVELS, VERBS, Verb
from portcullis.operations.world import Cause, World, from_environment

_LONGEST_NAME = 64  # of a deployment; those of files are shorter still


def answer(request: Mapping[str, Any], function_arn: str, logger: Any) -> dict[str, Any]:
    """Run one request; errors become part of the answer, so that the caller shows them as his own."""
    try:
        request = {**request, "actor": actor_of(request)}
        done = carry_out(from_environment(), request, alias=function_arn.rsplit(":", 1)[-1])
    except PortcullisError as error:
        logger.warning("refused", extra={"verb": request.get("verb"), "error": str(error)})
        return {"exit_status": error.exit_status, "error": str(error), **_parts(error)}
    return {"exit_status": done.get("exit_status", 0) if isinstance(done, dict) else 0, "answer": done}


def actor_of(request: Mapping[str, Any]) -> str:
    """Who asks: as AWS says, where that is proven."""
    from portcullis.clients import client
    from portcullis.identity.caller import proven

    declared = str(request.get("actor") or "somebody")
    if not request.get("proof"):
        return f"{declared} (not proven)"
    try:
        return proven(str(request["proof"]), request, client("sts").meta.endpoint_url)
    except ValueError as error:
        return f"{declared} (not proven: {error})"


def _parts(error: PortcullisError) -> dict[str, str]:
    """What a person's command needs to show a wrong input as its own."""
    if not isinstance(error, BadInput):
        return {}
    return {"problem": error.problem, "source": error.source, "place": error.place, "remedy": error.remedy}


def _missing(verb: Verb, arguments: Mapping[str, Any]) -> list[str]:
    parameters = signature(verb.run).parameters.values()
    needed = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    return [name for name in needed if name not in arguments]


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
    if verb.of_deployment and not (isinstance(deployment, str) and 0 < len(deployment) <= _LONGEST_NAME):
        raise BadInput(
            "no deployment is named", source="request", place="deployment", remedy="portcullis list names them"
        )
    unknown = sorted(set(arguments) - verb.arguments)
    if unknown:
        known = ", ".join(sorted(verb.arguments)) or "none"
        raise BadInput(
            f"{name} takes no {unknown[0]!r}", source="request", place="arguments", remedy=f"it takes: {known}"
        )
    if missing := _missing(verb, arguments):
        raise BadInput(f"{name} needs {missing[0]!r}", source="request", place="arguments", remedy="give it")
    cause = Cause(str(request.get("cause") or f"portcullis {name}"), str(request.get("actor") or "a person"))
    done = (
        verb.run(world, deployment, cause, **arguments) if verb.of_deployment else verb.run(world, cause, **arguments)
    )
    return msgspec.to_builtins(done)
