"""Every alert that the operations tell: its name, how grave it is, what was done, what to do next, and its page in runbooks/.

What happened is said where it is told. The alerts of custody are in `custody.words_of_alerts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portcullis.custody.types import Severity
from portcullis.ports.alerts import Alert


@dataclass(frozen=True, slots=True)
class AlertKind:
    """`next` and `done` are templates: {deployment}, and what else whoever tells it gives."""

    name: str
    severity: Severity
    next: str
    runbook: str
    done: str = ""  # empty: it differs, and is said where it is told
    about: str = "gate"  # the part of the page that shows it

    def of(
        self,
        deployment: str,
        happened: str,
        *,
        done: str = "",
        severity: str = "",
        detail: dict[str, Any] | None = None,
        about: str = "",
        **names: str | int,
    ) -> Alert:
        return Alert(
            name=self.name,
            deployment=deployment,
            severity=severity or self.severity.value,
            happened=happened,
            done=done or self.done.format(deployment=deployment, **names),
            next=self.next.format(deployment=deployment, **names),
            runbook=self.runbook,
            detail=detail or {},
            about=about or self.about,
        )


ACCESS_REFUSED = AlertKind(
    "access-refused",
    Severity.CRITICAL,
    done=(
        "whoever left was taken out as far as that was possible alone; every sweep tries the rest again, and later"
        " events go on"
    ),
    next=(
        "see what is refused: portcullis plan {deployment}; mend it, then portcullis synchronise {deployment}. "
        "Check with: portcullis status {deployment}"
    ),
    runbook="drift",
)
ANOTHER_PERSON = AlertKind(
    "another-person",
    Severity.CRITICAL,
    done="who has the name now was taken out, or was never let in; the others are not affected",
    next="find out who made the name again. Look: portcullis status {deployment}",
    runbook="drift",
    about="who",
)
ANOTHER_ROAD = AlertKind(
    "another-road",
    Severity.CRITICAL,
    done="nothing was changed or shut: what is mapped is mapped as before",
    next=(
        "Look: portcullis roads {deployment}. Find out who did it, and take it back as the page says. Check with: "
        "portcullis status {deployment}"
    ),
    runbook="another-road",
)
BREAK_GLASS_USED = AlertKind(
    "break-glass-used",
    Severity.CRITICAL,
    next=(
        "Ask whoever it was what for. If nobody meant it: `portcullis end-break-glass {deployment}`, and end the "
        "role's sessions as the page says. Check with `portcullis history {deployment}`."
    ),
    runbook="break-glass",
)
DEAD_LETTER = AlertKind(
    "dead-letter",
    Severity.WARNING,
    next="mend the cause, then redrive: portcullis redrive; check with: portcullis status {deployment}",
    runbook="dead-letters",
)
DEAD_LETTERS_WAITING = AlertKind(
    "dead-letters-waiting",
    Severity.WARNING,
    done="what they asked for was read from the truth by the sweep; the events themselves are kept",
    next="mend the cause, then: portcullis redrive; check with: portcullis sweep, which tells those that lie there still",
    runbook="dead-letters",
)
DRIFT = AlertKind(
    "drift",
    Severity.CRITICAL,
    done="what Portcullis had set was put right; what it did not make was left alone",
    next=(
        "see what it is, and ask whoever did it: portcullis drift {deployment}; undo it by hand; or, if it was meant, "
        "put it into the model as the page says"
    ),
    runbook="drift",
    about="drift",
)
EVENTS_THROWN_AWAY = AlertKind(
    "events-thrown-away",
    Severity.WARNING,
    done="what they were about is read by the next sweep",
    next="Read the whole truth now: portcullis sweep. Then find out who it was",
    runbook="eyes-shut",
)
EYES_OPEN = AlertKind(
    "eyes-open",
    Severity.INFO,
    done="what no event told meanwhile was found by the sweeps, or is with the next one",
    next="Check with: portcullis eyes",
    runbook="eyes-shut",
)
EYES_SHUT = AlertKind(
    "eyes-shut",
    Severity.CRITICAL,
    done="nothing was put back: the sweep goes on reading keys and groups, as long as it is not itself what was shut",
    next="Find out who did it and what else they did, then put it back as the page says. Check with: portcullis eyes",
    runbook="eyes-shut",
)
EYES_UNWATCHED = AlertKind(
    "eyes-unwatched",
    Severity.CRITICAL,
    done="nothing else was changed; keys and groups are read as before",
    next="If nobody meant it: deploy the stack again. Check with: portcullis eyes",
    runbook="eyes-shut",
)
LOCK_OUT_REFUSED = AlertKind(
    "lock-out-refused",
    Severity.CRITICAL,
    done="nothing was written",
    next="look at the plan: portcullis plan {deployment}",
    runbook="drift",
)
MODEL_REFUSED = AlertKind(
    "model-refused",
    Severity.WARNING,
    done=(
        "what it had changed is taken back; the model that was in force before goes on, and access follows the "
        "groups by that one"
    ),
    next=(
        "mend the deployment file, see what it would change with portcullis plan {deployment}, and apply it. Check"
        " with: portcullis status {deployment}"
    ),
    runbook="drift",
)
NAME_NOT_MAPPED = AlertKind(
    "name-not-mapped",
    Severity.WARNING,
    done="they were not let in",
    next="find out who chose such a name. Look: portcullis status {deployment}",
    runbook="drift",
    about="who",
)
KNOWN_AFTER_DEPLOY = AlertKind(
    "known-after-deploy",
    Severity.WARNING,
    done="all others have what the file grants them; these have nothing by it",
    next="deploy the file: cdk deploy. Check with: portcullis status {deployment}",
    runbook="drift",
    about="who",
)
NOT_READ = AlertKind(
    "not-read",
    Severity.CRITICAL,
    done="all other groups are followed; whoever leaves one that cannot be read is not taken out until it can",
    next="correct its name, or deploy again so that it may be read. Look: portcullis status {deployment}",
    runbook="drift",
    about="who",
)
ONE_ROLE_OF_TWO = AlertKind(
    "one-role-of-two",
    Severity.WARNING,
    done="nothing was changed: which role a token carries Cognito decides, by the precedence of the groups",
    next=(
        "take them out of one of the groups, or grant by members, which adds up. See who it is: portcullis check "
        "deployments/{deployment}.yaml --live"
    ),
    runbook="drift",
    about="who",
)
REMOTE_HALF_MOVED = AlertKind(
    "remote-half-moved",
    Severity.WARNING,
    done="nothing: people read on by the roads that stand; what stopped on the same alias may refuse them until somebody goes on with it",
    next="see how far it came: portcullis remote migrate {deployment} ALIAS --plan; then as the page says. Check with: the same",
    runbook="remote-migration",
)
REMOTE_KEY_ENDING = AlertKind(
    "remote-key-ending",
    Severity.WARNING,
    done="the key in use stands until it ends by itself; every sweep looks again",
    next="see which, and until when: portcullis remote keys {deployment}; then as the page says. Check with: the same",
    runbook="remote-key-ending",
)
RESTORE_FAILED = AlertKind(
    "restore-failed",
    Severity.CRITICAL,
    done="the restored index was taken away; nothing of the original was touched",
    next="portcullis snapshot list {deployment}; try again: portcullis restorability {deployment}",
    runbook="restore",
)
RESTORE_OVERDUE = AlertKind(
    "restore-overdue",
    Severity.WARNING,
    done="the next sweep tries again",
    next="portcullis snapshot list {deployment}",
    runbook="restore",
)
RE_KEYED = AlertKind(
    "re-keyed",
    Severity.WARNING,
    next=(
        "move every client that does not read the parameter; check with: portcullis status {to}; the page says "
        "what then becomes of the old one"
    ),
    runbook="re-key",
)
ROAD_USED = AlertKind(
    "road-used",
    Severity.WARNING,
    done="nothing was changed or shut",
    next=(
        "Ask whoever it was what for; if nobody meant it, take it back as the page says. Check with: portcullis "
        "history {deployment}"
    ),
    runbook="another-road",
)
ROTATION_ON_DEMAND = AlertKind(
    "rotation-on-demand",
    Severity.WARNING,
    done="nothing was interrupted; the key goes on encrypting",
    next=(
        "portcullis key status {deployment}; when none is left: portcullis re-key {deployment} --to NEW-"
        "DEPLOYMENT, or automatic rotation of {days} days or more"
    ),
    runbook="rotation-not-followed",
)
# What somebody still holds who left: sessions of AWS, tokens of the engine, keys of the engine. Each is another fact, and ends by itself.
SESSIONS_NOT_ENDED = AlertKind(
    "sessions-not-ended",
    Severity.WARNING,
    done=(
        "it is written down and tried again at every look, the sweep at the latest; credentials end by themselves "
        "within an hour"
    ),
    next="portcullis status {deployment}",
    runbook="what-leavers-hold",
)
TOKENS_NOT_ENDED = AlertKind(
    "tokens-not-ended",
    Severity.WARNING,
    done="they have no role any more by themselves; the rest is written down and tried again at every look, the sweep at the latest",
    next="portcullis status {deployment}",
    runbook="what-leavers-hold",
)
KEYS_LEFT = AlertKind(
    "keys-left",
    Severity.WARNING,
    done="they have no role any more by themselves, and their tokens are ended; the keys stay",
    next="ask whether each is still meant, and end the others as the page says; who left, and when: portcullis history {deployment}",
    runbook="what-leavers-hold",
)
SHRED_SCHEDULED = AlertKind(
    "shred-scheduled",
    Severity.CRITICAL,
    done="every deployment under it is locked and stays so",
    next="{undo}. Check with: portcullis key status {deployment}",
    runbook="delete-and-shred",
)
SNAPSHOT_FAILED = AlertKind(
    "snapshot-failed",
    Severity.CRITICAL,
    done="the next sweep tries again",
    next="portcullis snapshot list {deployment}",
    runbook="restore",
)
SWEEP_FAILED = AlertKind(
    "sweep-failed",
    Severity.WARNING,
    done="the rest of it was done; it is tried again at the next sweep; the other deployments are not affected",
    next="portcullis status {deployment}",
    runbook="automation-broken",
)
UNWATCHED = AlertKind(
    "unwatched",
    Severity.CRITICAL,
    done="nothing on the engine was changed: who is in stays in, whoever leaves a group and whatever becomes of the key",
    next=(
        "If nobody meant it: deploy it again, as the page says, before anything else is done to it. What was done "
        "to it: `portcullis history {deployment}`"
    ),
    runbook="automation-broken",
)
# The choice of roles in an identity pool was changed, and put back.
ROLE_CHOICE_CHANGED = AlertKind(
    "drift",
    Severity.CRITICAL,
    done="the choice is put back, and is seen to by every sweep: the role that the token names, or none",
    next="Who changed it: SetIdentityPoolRoles and UpdateIdentityPool in CloudTrail. Check with: portcullis history {deployment}",
    runbook="drift",
    about="timeline",
)
# Chores of the sweep, each told for itself.
NOT_SEEN_TO = {
    chore: AlertKind(
        f"{chore}-not-seen-to",
        Severity.WARNING,
        done="access and key were read all the same; this is tried again at the next sweep",
        next="portcullis status {deployment}",
        runbook="automation-broken",
    )
    for chore in ("rotation", "snapshots", "choice-of-roles", "passwords", "remotes", "page")
}

ALL: tuple[AlertKind, ...] = (
    *(one for one in list(globals().values()) if isinstance(one, AlertKind)),
    *NOT_SEEN_TO.values(),
)
