"""`check --live`: a deployment file, linted with what the account, the engine and the domain say now. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from portcullis.access.actual import EngineSettings
from portcullis.errors import NoDeployment, PortcullisError, Refused
from portcullis.operations.access.deployments import read_file
from portcullis.operations.people.one_role import who_loses
from portcullis.operations.services import Services, Site, Trigger

if TYPE_CHECKING:
    from portcullis.model import Deployment, Facts, Finding

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checked:
    """The findings, the worst first. `exit_status` is 2 if one is an error."""

    deployment: str
    findings: tuple[Finding, ...]
    exit_status: int


def check(services: Services, deployment: str, cause: Trigger, *, text: str | None = None, source: str = "") -> Checked:
    """Lint `text` (or the file in force) with all that can be seen. `source` is what the findings call the file.

    What cannot be looked at is a finding that says so. BadInput for a file that is not valid. Of a name that is not in the ledger
    NoDeployment, or Refused for a file of it: nothing is wrong with a file that is not deployed yet.
    """
    from portcullis import model

    try:
        site = services.site(deployment)
    except NoDeployment as error:
        if text is None:
            raise
        raise Refused(str(error)) from None
    given = site.ledger.model(deployment).text if text is None else text
    file = read_file(given, source or f"{deployment}.yaml", deployment)
    findings = model.lint(file, facts(site, file))
    wrong = any(finding.severity is model.Severity.ERROR for finding in findings)
    return Checked(deployment, findings, 2 if wrong else 0)


def facts(site: Site, file: Deployment) -> Facts:
    """What can be seen of what a file names, and why the rest cannot."""
    from portcullis.model.lint_live import ENGINE, GROUPS, POLICY, keys, principals
    from portcullis.model.lints.findings import Facts
    from portcullis.model.resolving import resolve

    unseen: dict[str, str] = {}

    def look(what: str, at: Callable[[], T]) -> T | None:
        try:
            return at()
        except PortcullisError as error:
            unseen[what] = str(error)
            return None

    looked = site.identity.look([grant for _, grant in principals(file)])
    unseen.update({str(subject): why for subject, why in looked.unseen.items()})
    absent = set()
    for _, key in keys(file):
        described = site.key_desk.describe(key).describe
        error = described.get("Error", {}) if not isinstance(described, str) else {"Message": described}
        if error.get("Code") == "NotFoundException":
            absent.add(key)
        elif error:
            unseen[key] = f"{error.get('Code', 'no answer')}: {error.get('Message', '')}".rstrip(": ")
    cognito = file.identity.cognito
    with_role = [group for group, spec in cognito.groups.items() if spec.role] if cognito else []
    grants = resolve(file).grants
    settings = look(ENGINE, site.engine.settings) or EngineSettings()
    return Facts(
        account=site.registration.account,
        held=look(ENGINE, site.engine.read),
        settings=settings,
        membership=looked.membership,
        access_policy=look(POLICY, lambda: site.gate.policy(site.registration)) if site.registration.domain else None,
        not_carried=look(GROUPS, lambda: who_loses(site, grants, with_role)) or (),
        absent=frozenset(absent),
        unseen=unseen,
    )
