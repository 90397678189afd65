"""Internal users who pass for somebody of IAM: with a caller's ARN as a backend role they are that caller to the engine."""

from __future__ import annotations

from collections.abc import Iterator

from portcullis.model import names
from portcullis.model.lints.findings import Finding, found
from portcullis.model.names import shown
from portcullis.model.types import OnDomain


def passing_for_others(deployment: OnDomain) -> Iterator[Finding]:
    for name, user in deployment.access.users.items():
        for i, entry in enumerate(user.backend_roles):
            if not names.is_of_a_caller(entry):
                continue
            ours = names.is_ours(entry) or names.is_a_master(entry)
            grant = f"grant the user what they need: to: {{internal_user: {name}}}"
            remedy = "leave it out: only who may take that role in IAM is it" if ours else f"leave it out, and {grant}"
            yield found(
                deployment,
                "user-as-portcullis" if ours else "user-as-caller",
                ("access", "users", name, "backend_roles", i),
                f"whoever has the password of {shown(name)} is {shown(entry, 90)} to the engine, past IAM",
                remedy,
            )
