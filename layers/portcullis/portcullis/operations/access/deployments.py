"""A deployment comes under our care, and leaves it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace as changed
from typing import TYPE_CHECKING

from msgspec.structs import replace

from portcullis.access.letting_in import letting_in
from portcullis.access.plan import AccessModel, Claim, Operation, Step
from portcullis.custody.types import Custody, State
from portcullis.errors import BadInput, PortcullisError, Refused, Unreachable
from portcullis.operations import alert_table
from portcullis.operations.access.asking.asserting import of_file, refuse_broken
from portcullis.operations.access.changing.applying import Done, Outcome, apply_model
from portcullis.operations.access.new_findings import refuse_new_errors
from portcullis.operations.people.known import accept
from portcullis.operations.people.role_choice import keep_role_choice
from portcullis.operations.remotes.keys.tending import keep_offers
from portcullis.operations.services import Services, Site, Trigger
from portcullis.operations.slots import Slot
from portcullis.operations.telling import STILL_TO_TELL, tell_kept
from portcullis.operations.writing.sending import keep_claims, still_ours
from portcullis.operations.writing.standing import begin_with, forgive, in_force, is_in_force
from portcullis.operations.writing.undertaking import text_in_ledger
from portcullis.operations.writing.while_open import WhileOpen, unless_shut
from portcullis.ports.ledger import Claims
from portcullis.ports.registration import IamRole, KeptModel

if TYPE_CHECKING:
    from portcullis.model import Deployment

_PATIENCE = 120  # seconds that a person waits for the others to be done writing


def kept_model(text: str, source: str, name: str = "") -> KeptModel:
    """A deployment file's text as the ledger keeps it. BadInput if it is not valid, or is of another deployment than `name`."""
    return kept_of(read_file(text, source, name), text)


def read_file(text: str, source: str, name: str = "") -> Deployment:
    """A deployment file's text. BadInput if it is not valid, or is of another deployment than `name`."""
    from portcullis import model

    deployment = model.loads(text, source)
    if name and deployment.deployment != name:
        place = f"line {deployment.line('deployment')}, deployment"
        raise BadInput(
            f"is the file of {deployment.deployment!r}", source=source, place=place, remedy=f"that of {name!r}"
        )
    return deployment


def kept_of(deployment: Deployment, text: str) -> KeptModel:
    """The same of a file that was read already."""
    from portcullis import model

    return KeptModel(text, model.resolve(deployment), model.options(deployment))


def names_of(place: str, given: object) -> Sequence[str]:
    """Names as a request gives them, one or a list. BadInput for what is neither."""
    names = [given] if isinstance(given, str) else given
    if not (isinstance(names, Sequence) and all(isinstance(name, str) and name for name in names)):
        raise BadInput("not a list of names", source="request", place=place, remedy='e.g. ["anna"]')
    return names


def text_with(site: Site, text: str | None, only: Sequence[str]) -> str:
    """The model in force with what a file says of these names. BadInput if there is no file, or if that is no valid model."""
    from portcullis import model

    if text is None:
        problem = "a part of a file is asked for, and no file is given"
        raise BadInput(problem, source="request", place="only", remedy="portcullis apply FILE --only NAME")
    called = f"{site.name}.yaml with only {', '.join(only)}"
    in_force = site.ledger.model(site.name).text
    return model.edit(in_force, model.take_parts(text, only), called)


def introduce(site: Site, text: str, cause: Trigger) -> Outcome:
    """Register a deployment, let the automation in (once, as the master), and put the access model on the domain.

    While it is not open the model is written down, and put on the domain by the unlock.
    """
    kept = kept_model(text, f"{site.name}.yaml", site.name)
    name = site.name
    anew = site.ledger.custody(name).state is State.DELETED
    if anew:
        _begin_anew(site, cause)
    first = anew or in_force(site.services, name) is None
    site = _as_moved(site)
    site.ledger.register(site.registration)
    if not first:
        keep_role_choice(site, cause)
    elif (cognito := site.registration.cognito) and cognito.identity_pool:
        site.identity.choose_roles_by_token(cognito.identity_pool)  # nobody chose it before us
    with _lease(site, "introduce"):
        if in_force(site.services, name) is None:
            # What reacts to this deployment needs one from now on: its rules, and access for nobody until there is some.
            site.ledger.keep_model(name, KeptModel("", AccessModel(), kept.options))
        _let_automation_in(site)
        done = unless_shut(site.services, name, lambda: apply_model(site, kept, cause))
        if done is None and not is_in_force(in_force(site.services, name), kept):
            begin_with(site, kept, cause)
        return done or Outcome(name, Done.WAITING)


def _begin_anew(site: Site, cause: Trigger) -> None:
    """A new domain under the name of one that was deleted: what is known of that one says nothing of this. The history goes on, and so does
    what nobody was told yet.

    The custody comes last, so that whoever was cut off before it does all of it again.
    """
    name = site.name
    gone = site.ledger.custody(name)
    site.ledger.forget_all(name, but=STILL_TO_TELL)
    claims = site.ledger.claims(site.place.id).get(name, Claims())
    site.ledger.keep_claims(site.place.id, name, claims.becoming(()))
    said = "a new domain under the name of one that was deleted: its custody begins open"
    site.record("begin anew", cause, said)
    site.ledger.keep_custody(Custody(name, version=gone.version, saves=gone.saves, outbox=gone.outbox))


def apply_text(
    services: Services,
    deployment: str,
    text: str | None,
    cause: Trigger,
    *,
    adopt: bool = False,
    expected: str = "",
    accept_new: Sequence[str] = (),
    only: Sequence[str] = (),
) -> Outcome:
    """Apply a deployment file's text (or, without one, the model in the ledger again). Refused while the deployment is not open.

    With `only`, what the text says of these names, and of all else what the model in force says: that is in force then.

    `expected` is the digest of a saved plan: Refused if it is no longer the plan. `accept_new` names whom a grant means from here on,
    though they are somebody else than the one who had that name. Refused, before anything is written, if an assertion of the text would
    not hold.
    """
    file = None if text is None else read_file(text, f"{deployment}.yaml", deployment)
    given = None if file is None else kept_of(file, text or "")
    with writing(services, deployment, "apply") as site:
        assertions = of_file(file) if file else ()
        if only:
            edited = text_with(site, text, only)
            part = read_file(edited, f"{deployment}.yaml", deployment)
            given, assertions = kept_of(part, edited), (*assertions, *of_file(part))
            file = part
        if file is not None:
            refuse_new_errors(text_in_ledger(services, deployment), file)
        kept = given or site.ledger.model(deployment)
        refuse_broken(site, kept, tuple(dict.fromkeys(assertions)))
        accept(site, accept_new, cause)
        done = apply_model(site, kept, cause, adopt=adopt, expected=expected)
        # Also where it stood already: whoever says it again does not ask for the refused one any more.
        if given is not None:
            forgive(services, deployment)
    return _with_keys(site, done, cause)


def _with_keys(site: Site, done: Outcome, cause: Trigger) -> Outcome:
    """The keys that the file offers to other clusters, too. What becomes of them does not undo the access that is applied."""
    try:
        found = keep_offers(site, cause)
    except PortcullisError as error:
        why = f"the access is applied, and the keys between clusters are not as the file offers them: {error}"
        return changed(done, keys_problem=why, exit_status=1)
    status = 1 if found.conflicts else done.exit_status
    return changed(done, keys=tuple(map(str, found.steps)), keys_problem="; ".join(found.conflicts), exit_status=status)


@contextmanager
def writing(services: Services, deployment: str, holder: str) -> Iterator[Site]:
    """The right to change the access of a deployment that is open. Refused while it is not; Unreachable if others keep it."""
    site = services.site(deployment)
    WhileOpen.of(services, deployment)
    with _lease(site, holder):
        WhileOpen.of(services, deployment)  # it may have been locked while we waited
        yield site


@contextmanager
def _lease(site: Site, holder: str) -> Iterator[None]:
    with site.ledger.lease(site.place.id, holder, wait=_PATIENCE) as ours:
        if not ours:
            raise Unreachable(f"another writer is at work on {site.place.name}; try again")
        yield


def _is_in(site: Site) -> bool:
    """Whether the automation holds its roles already: asked as itself, who is refused as long as it does not."""
    family = site.family
    try:
        held = site.engine.read([family.mappings])
    except Refused:
        return False
    automation = site.registration.automation
    return not letting_in(family, held, family.baseline().automation, automation.principal, automation.entry_list)


def _let_automation_in(site: Site) -> None:
    """The master gives the automation its two roles; from then on the automation stands alone.

    What is there already is left as it is: a later difference, made by the automation, puts right what differs.
    """
    if _is_in(site):
        return  # it stands alone: the master may have been moved since, to one that we cannot become
    family, automation = site.family, site.registration.automation
    entry, entry_list = automation.principal, automation.entry_list
    needs = family.baseline()
    held = (master := site.master).read([family.roles, family.mappings])
    ours = {Claim(family.mappings, role, entry_list, entry) for role in needs.automation}
    steps = letting_in(family, held, needs.automation, entry, entry_list)
    for name in needs.automation:
        if name in needs.documents and held.get(family.roles, name) is None:
            role = Claim(family.roles, name)
            steps = (Step(Operation.ADD, role, None, needs.documents[name], "the automation needs it"), *steps)
            ours.add(role)
    claims = site.ledger.claims(site.place.id).get(site.name, Claims())
    kept = keep_claims(site, claims, claims | ours, late=claims.late | ours)
    for write in family.writes(steps, held):
        still_ours(site)
        master.write(write)
    keep_claims(site, kept, kept, late=claims.late)  # each was answered: nothing of them comes any more


_MOVED = Slot("master-moved", dict[str, str])  # "from" whom, "to" whom


def remember_move(site: Site, to: str) -> None:
    """A person moved the master. The stacks do not know of it, and go on to hand over the one they made."""
    before = _MOVED.saved(site.ledger, site.name) or {}
    made = before.get("from", site.registration.master.principal)
    _MOVED.save(site.ledger, site.name, {"from": made, "to": to})


def _as_moved(site: Site) -> Site:
    moved = _MOVED.saved(site.ledger, site.name)
    if moved and site.registration.master == IamRole(moved["from"]):
        return site.services.at(replace(site.registration, master=IamRole(moved["to"])))
    return site


def withdraw(services: Services, deployment: str, cause: Trigger) -> None:
    """The deployment leaves our care: nothing reacts for it any more. Its history and its claims stay.

    Told, unless its domain is gone: whoever deletes a stack leaves the domain there, and no gate drops any more. Told first, so that
    a crash in between tells it twice rather than never. Nothing to do for a deployment that was never registered, or left before.
    """
    if deployment not in services.ledger.deployments():
        return
    state = services.ledger.custody(deployment).state
    if state is not State.DELETED:
        called = services.ledger.registration(deployment).place.called
        services.alerts.tell(
            alert_table.UNWATCHED.of(
                deployment,
                f"{deployment} is no longer watched: its stack was deleted; its {called} stays, {state.value} as it was",
            )
        )
    tell_kept(services, deployment)  # no sweep comes back to it
    services.ledger.unregister(deployment)
    services.record(deployment, "withdraw", cause, "the deployment is no longer watched")
