"""Services of AWS that run somebody's code as a role: whoever may make a thing that runs as it, or change one, has the role. Pure.

By the Service Authorization Reference. Which things there are is not asked: what is changed in one that may run as the role is not certain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from portcullis.access.edge.own_policies import Act

_PASSING = "iam:PassRole"
_SERVICE = ".amazonaws.com"
# Service that a role trusts -> what has to be permitted beside passing it, each with the resource it is asked of, and what is made so.
_MADE: dict[str, tuple[tuple[tuple[str, str], ...], str]] = {
    "lambda": (
        (("lambda:CreateFunction", "lambda:{at}:function:*"), ("lambda:InvokeFunction", "lambda:{at}:function:*")),
        "a function",
    ),
    "ec2": ((("ec2:RunInstances", "ec2:{at}:instance/*"),), "an instance"),
    "ecs-tasks": (
        (
            ("ecs:RegisterTaskDefinition", "ecs:{at}:task-definition/*"),
            ("ecs:RunTask", "ecs:{at}:task-definition/*"),
        ),
        "a task",
    ),
    "codebuild": (
        (("codebuild:CreateProject", "codebuild:{at}:project/*"), ("codebuild:StartBuild", "codebuild:{at}:project/*")),
        "a build",
    ),
    "glue": ((("glue:CreateJob", "glue:{at}:job/*"), ("glue:StartJobRun", "glue:{at}:job/*")), "a job"),
}
# What changes, or lets into, a thing that runs already. The name of a resource stands for any.
_CHANGED: dict[str, tuple[tuple[str, str, str], ...]] = {
    "lambda": (("lambda:UpdateFunctionCode", "lambda:{at}:function:*", "may change the code of functions"),),
    "ec2": (
        ("ssm:StartSession", "ec2:{at}:instance/*", "may open a session on instances"),
        ("ssm:SendCommand", "ec2:{at}:instance/*", "may run commands on instances"),
    ),
}


def is_service(principal: str) -> bool:
    return principal.endswith((_SERVICE, f"{_SERVICE}.cn"))


def running_as(role: str, trusting: Collection[str], region: str, account: str) -> Iterator[Act]:
    """By which calls somebody runs what they like as this role, which these services may take."""
    partition, then = role.split(":")[1], f"what runs so has the role {role}"

    def named(resource: str) -> str:
        return f"arn:{partition}:" + resource.format(at=f"{region}:{account}")

    for service in sorted(one for one in trusting if is_service(one)):
        kind = service.partition(".")[0]
        if kind in _MADE:
            besides, what = _MADE[kind]
            also = tuple((action, named(resource)) for action, resource in besides)
            yield Act(
                _PASSING, role, f"may make {what} that runs as {role}", then, also, (("iam:passedtoservice", service),)
            )
        for action, resource, does in _CHANGED.get(kind, ()):
            if_any = f"one that runs as it, if there is any, has the role {role}"
            yield Act(action, named(resource), does, if_any, sure=False)
