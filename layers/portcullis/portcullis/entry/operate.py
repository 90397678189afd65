"""The verbs as the `operate` function runs them for a person: one request in, one answer out.

Request:  {"verb": "lock", "deployment": "demo", "arguments": {"reason": "..."}}
Answer:   {"exit_status": 0, "answer": ...}, or {"exit_status": 1, "error": "...", ...}: what the command line shows and exits with.
          A request with "packed": true may get {"exit_status": 0, "packed": ...} instead: `entry.fitting`.

Who may call what is IAM's decision: the function has one alias a level (look, act, delete), and a verb runs only through an alias
of its level or above.

Who called is not told to a function. A request may carry a proof (see `identity.caller`), and then the history names who AWS says it
was. Without one, or if STS cannot be asked, it names who the caller says he is, and says so: an emergency does not wait for a proof.
CloudTrail has the truth either way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from portcullis.clients import our_errors
from portcullis.correlation import concerning, correlate
from portcullis.entry.fitting import fitted
from portcullis.entry.given import arguments_of, checked
from portcullis.entry.verbs import LEVELS, VERBS
from portcullis.entry.verbs.types import exit_status_of
from portcullis.errors import BadInput, PortcullisError, Refused
from portcullis.operations.services import Services, Trigger
from portcullis.wiring import from_environment
from portcullis.words import line

_LONGEST_DECLARED = 300  # of a name that nobody has proven
_LONGEST_NAME = 64  # of a deployment; those of files are shorter still


def answer(request: Mapping[str, Any], function_arn: str, logger: Any) -> dict[str, Any]:
    """Run one request; errors become part of the answer, so that the caller shows them as his own."""
    try:
        request = checked(request)
        concerning(line(request.get("deployment") or "", _LONGEST_NAME))
        correlate(line(request.get("cause") or "", 200))
        request["actor"] = actor_of(request, (function_arn.split(":") + [""] * 5)[4])
        # Wherever an answer is met that nobody there thought of, it is no mistake of ours.
        with our_errors("an answer of AWS"):
            done = carry_out(from_environment(), request, alias=function_arn.rsplit(":", 1)[-1])
        return fitted({"exit_status": exit_status_of(done), "answer": done}, request)
    except PortcullisError as error:
        verb = line(request.get("verb"), 100) if isinstance(request, Mapping) else ""
        logger.warning("refused", extra={"verb": verb, "error": line(error)})
        return {"exit_status": error.exit_status, "error": str(error), **_parts(error)}
    except Exception as error:  # a mistake of ours: told with its place in the log, and answered all the same
        logger.exception("a verb ended as it never should")
        said = line(f"{type(error).__name__}: {error}")
        return {"exit_status": 1, "error": f"a mistake of Portcullis itself, see the log of this function: {said}"}


def actor_of(request: Mapping[str, Any], account: str = "") -> str:
    """Who asks: as AWS says, where that is proven. Where it is not, that stands first, whatever the caller calls himself.

    Refused for a proof of another account: nobody of another may call us, so somebody hides who he is.
    """
    from portcullis.clients import client
    from portcullis.entry.caller_proof import proven

    declared = line(request.get("actor") or "somebody", _LONGEST_DECLARED)
    if not request.get("proof"):
        return f"not proven: {declared}"
    try:
        arn = proven(str(request["proof"]), request, client("sts").meta.endpoint_url)
    except ValueError as error:
        return f"not proven ({line(error, 200)}): {declared}"
    if account and arn.split(":")[4:5] != [account]:
        raise Refused(
            f"the proof is of {line(arn)}, which is not of this account {account}: it proves nobody who may act here"
        )
    return arn


def _parts(error: PortcullisError) -> dict[str, str]:
    """What a person's command needs to show a wrong input as its own."""
    if not isinstance(error, BadInput):
        return {}
    return {"problem": error.problem, "source": error.source, "place": error.place, "remedy": error.remedy}


def _said(words: Any, otherwise: str) -> str:
    return words if isinstance(words, str) and words else otherwise


def carry_out(services: Services, request: Mapping[str, Any], *, alias: str) -> Any:
    """One verb with its arguments. BadInput for what is not a verb or not an argument of it; Refused for the wrong alias."""
    name = request.get("verb")
    verb = VERBS.get(name) if isinstance(name, str) else None
    if verb is None:
        problem = "no verb is named" if name is None else f"no verb {line(name, 100)!r}"
        raise BadInput(problem, source="request", place="verb", remedy=f"one of {', '.join(sorted(VERBS))}")
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
    arguments = arguments_of(verb, arguments)
    cause = Trigger(_said(request.get("cause"), f"portcullis {name}"), _said(request.get("actor"), "a person"))
    about = str(deployment) if verb.of_deployment else ""
    return msgspec.to_builtins(verb.run(services, about, cause, **arguments))
