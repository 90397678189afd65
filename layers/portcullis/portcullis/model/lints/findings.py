"""What `lint` can find, by code: the table that the docs and `accept` in a deployment file go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from portcullis.access.actual import Actual, EngineSettings, Json
from portcullis.access.one_role import NotCarried
from portcullis.access.plan import Membership
from portcullis.model.parts import Path

if TYPE_CHECKING:
    from portcullis.model.types import Deployment


class Severity(StrEnum):
    ERROR = "error"  # cannot work, or does not do what it says
    WARNING = "warning"  # works, and is seldom meant
    INFO = "info"  # good to know
    ACCEPTED = "accepted"  # a warning or info that the file accepts, with its reason


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that lint found. `place` is `file:line key.path` or the part of the engine it was seen on."""

    code: str
    severity: Severity
    place: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known besides the file, if anything: the account, the engine's security config, the members now, the domain's policy.

    `absent` and `unseen` name things as `model.lint_live` does. What could not be looked at is in `unseen` with the reason, and in
    none of the others: it is neither there nor absent.
    """

    account: str = ""  # the deployment's own account id
    vpc: bool = True  # whether the domain is in a VPC, as the stacks make it
    held: Actual | None = None
    membership: Membership | None = None
    access_policy: Json | None = None
    dfm_empty_overrides_all: bool = False  # plugins.security.dfm_empty_overrides_all
    settings: EngineSettings = field(default_factory=EngineSettings)
    not_carried: tuple[NotCarried, ...] = ()  # who is in two groups by role now
    absent: frozenset[str] = frozenset()  # keys that were looked for and are not there
    unseen: Mapping[str, str] = field(default_factory=dict)  # what could not be looked at: why


CODES: dict[str, tuple[Severity, str]] = {
    "anonymous-administrator": (
        Severity.ERROR,
        "whoever does not sign in administers the engine, by the file or by what the engine holds or is set to",
    ),
    "anonymous-principal": (
        Severity.WARNING,
        "a grant to whoever does not sign in, where the engine lets them come (anonymous_auth_enabled)",
    ),
    "backend-role-of-nobody": (
        Severity.WARNING,
        "a backend role that is the ARN of a session, a group, an instance profile or anything else that no caller is known by",
    ),
    "basic-auth-under-iam-master": (
        Severity.WARNING,
        "an internal user under an IAM master: basic authentication is off, so its requests are refused",
    ),
    "by-role-precedence": (
        Severity.INFO,
        "somebody in two Cognito groups has only the first group's role in the token: joining can take access away",
    ),
    "by-role-person": (
        Severity.WARNING,
        "somebody is in two Cognito groups with roles now, and has nothing of what one of them is granted by role",
    ),
    "cognito-without-dashboards": (
        Severity.WARNING,
        "Cognito users or groups where Dashboards does not ask Cognito: they reach the API as their IAM role only",
    ),
    "dashboards-write-api": (
        Severity.INFO,
        "people who may only look at dashboards can still write saved objects through the API: read-only hides the editing tools, no more",
    ),
    "dashboard-sees-nothing": (
        Severity.INFO,
        "people of a cluster's dashboard level alone: the role that it brings along gives no document of the indices",
    ),
    "deprecated-role": (Severity.INFO, "a role of the cluster's own that the next release no longer has"),
    "dls-attribute": (
        Severity.ERROR,
        "a document-level query uses an attribute that no caller has: it fails, or nothing is seen",
    ),
    "dls-attribute-place": (
        Severity.ERROR,
        "a list attribute in quotes, or a single one without: the query is no JSON any more once it is filled in",
    ),
    "dls-attribute-value": (
        Severity.ERROR,
        "an attribute's value in the file makes the query another one, or none",
    ),
    "dls-everything": (Severity.WARNING, "a document-level query without a condition: it limits nothing"),
    "dls-invalid": (
        Severity.ERROR,
        "a document-level query is not a query in JSON: the engine takes it, and then shows nothing or fails",
    ),
    "dls-module": (
        Severity.INFO,
        "a document-level query that needs a module or plugin: without it the engine takes it, and then shows nothing or fails",
    ),
    "dls-name": (
        Severity.WARNING,
        "a document-level query takes in a name or attribute that the file does not choose: it goes in as text",
    ),
    "dls-narrows": (Severity.WARNING, "one more role means less: a document-level query beats an unrestricted role"),
    "dls-relative-date": (
        Severity.ERROR,
        "a document-level query with a relative date (now-1d): the engine has no clock there, and every search fails",
    ),
    "dls-should": (
        Severity.WARNING,
        "a `should` beside `must` or `filter` in a document-level query: none of it has to match, so it limits nothing",
    ),
    "dls-unknown-query": (
        Severity.WARNING,
        "a document-level query of an unknown kind: the engine takes it, and then shows nothing or fails",
    ),
    "dls-widens": (
        Severity.INFO,
        "document-level queries of several roles are OR-ed: each shows more than its author meant",
    ),
    "duplicate-grant": (Severity.WARNING, "the same subject is granted the same role twice"),
    "entries-of-one-role": (
        Severity.WARNING,
        "several entries of one role limit one index: an entry without a limit lifts none, and of several limits 3.x takes the last",
    ),
    "field-matches-nothing": (
        Severity.ERROR,
        "a field rule or mask that no field can match: what it should hide is shown",
    ),
    "field-name-odd": (
        Severity.WARNING,
        "a field rule or mask on a name that hardly any field has, such as two names in one: what it should hide is shown",
    ),
    "file-name": (Severity.INFO, "the file is not named after its deployment"),
    "filter-lifted": (
        Severity.ERROR,
        "a filter on documents or fields that another entry lifts: entries with the same names are one to a cluster",
    ),
    "filter-lifted-for-both": (
        Severity.WARNING,
        "a filter on documents or fields that a role without reading lifts for whoever has both: they have the same names",
    ),
    "fls-includes-ignored": (
        Severity.WARNING,
        "fields that are included and fields that are excluded meet: the includes are ignored",
    ),
    "fls-narrows": (Severity.WARNING, "one more role means fewer fields: field rules beat a role without any"),
    "grant-to-portcullis": (
        Severity.ERROR,
        "a grant to a role of Portcullis itself: break-glass has nothing outside a window, the automation reads no document",
    ),
    "groups-meet": (
        Severity.INFO,
        "roles of two groups whose limits add up to something else for whoever is in both, if anybody is: check --live tells",
    ),
    "half-master": (Severity.WARNING, "a master needs both all_access and security_manager"),
    "hosts-everyone": (Severity.ERROR, 'a mapping with hosts: "*" maps everyone'),
    "hosts-in-vpc": (Severity.WARNING, "a mapping by host does nothing for a domain in a VPC"),
    "limits-and-writes": (
        Severity.WARNING,
        "limits on documents and fields are for reading: what is not seen can be overwritten and deleted all the same",
    ),
    "long-string": (Severity.WARNING, "a string over 256 characters: OpenSearch 3.8 refuses it"),
    "lost-privilege": (Severity.WARNING, "a privilege of Elasticsearch that this engine has nothing for"),
    "mask-and-hidden": (Severity.INFO, "a field is masked and hidden: hidden wins"),
    "mask-invalid": (Severity.ERROR, "a masking rule that the engine refuses"),
    "mask-no-text": (Severity.WARNING, "a mask on what is no text, by the file's own word: it masks nothing"),
    "mask-replacement": (
        Severity.ERROR,
        "a mask's replacement refers to a group that its expression does not have: every search of the index fails",
    ),
    "mask-text-only": (Severity.INFO, "masks hide text alone, and a masked field finds nothing"),
    "mask-twice": (
        Severity.ERROR,
        "a field is masked twice in one entry: 2.x refuses every search, 3.x takes the first",
    ),
    "masks-differ": (Severity.WARNING, "two roles mask one field differently: which mask counts is not certain"),
    "masks-spread": (Severity.INFO, "one role masks a field that another shows plainly: it is masked"),
    "missing-key": (Severity.ERROR, "a key that does not exist"),
    "missing-principal": (Severity.WARNING, "a subject that does not exist: it is granted nothing"),
    "nobody-told": (
        Severity.WARNING,
        "no alert reaches anybody by this file: a lock, a leaver who stays in, a domain that is red go unseen",
    ),
    "not-looked-at": (Severity.WARNING, "what `check --live` could not look at: it may be there or not"),
    "older-sessions-of-nobody": (
        Severity.WARNING,
        "the older sessions of a group's role are to be denied, and no group has a role of its own",
    ),
    "keys-of-nobody": (
        Severity.WARNING,
        "API keys are to be ended at a lock, on an engine that has none",
    ),
    "name-all": (Severity.ERROR, "a role of a cluster on the name _all, which is no wildcard there"),
    "name-looks-alike": (
        Severity.WARNING,
        "a granted name that could be taken for another: letters of several alphabets, or an accent written apart",
    ),
    "names-by-case": (
        Severity.WARNING,
        "two names that differ in upper and lower case alone: they are two things to the engine",
    ),
    "other-account": (Severity.WARNING, "a principal of another account"),
    "password-not-self-service": (
        Severity.INFO,
        "users of the internal user database cannot change their own password",
    ),
    "pattern-attribute": (
        Severity.ERROR,
        "an index or tenant pattern uses an attribute that no caller has: it matches nothing",
    ),
    "pattern-attribute-value": (
        Severity.WARNING,
        "an attribute's value in the file makes an index or tenant pattern wider than one name, or none",
    ),
    "pattern-name": (
        Severity.WARNING,
        "an index or tenant pattern takes in a name or attribute that the file does not choose: a * in it is a wildcard",
    ),
    "pattern-no-exclusion": (Severity.WARNING, "an index pattern that looks like an exclusion: a role has none"),
    "pattern-odd": (
        Severity.WARNING,
        "an index or tenant pattern with a character that is not seen, or letters of several alphabets: it covers less than it looks",
    ),
    "pattern-upper-case": (Severity.WARNING, "an index pattern with upper-case letters: it covers aliases alone"),
    "permission-place": (
        Severity.WARNING,
        "a cluster permission among index permissions, or the reverse: little of it has an effect there, or nothing",
    ),
    "remote-agreed-changed": (
        Severity.WARNING,
        "a remote cluster is not as it was accepted from the other side: somebody changed it here by hand",
    ),
    "remote-beyond-key": (
        Severity.WARNING,
        "a role asks more of a remote cluster than its key allows: the other cluster refuses what is beyond",
    ),
    "remote-by-certificate": (
        Severity.WARNING,
        "a remote cluster that is read with certificates: deprecated, and a super user here reads everything there",
    ),
    "remote-passed-on": (
        Severity.WARNING,
        "this cluster offers keys and reads another one with certificates: whoever comes with a key reads that one too, by name",
    ),
    "remote-key-early": (
        Severity.WARNING,
        "keys between clusters on a release before 8.14: they are there, and not yet meant for production",
    ),
    "remote-not-beside": (
        Severity.WARNING,
        "a remote cluster named by its deployment, and no file beside this one is of it",
    ),
    "remote-offer-differs": (
        Severity.WARNING,
        "what a remote cluster allows by this file is not what the other cluster's file offers",
    ),
    "remote-refusals-hidden": (
        Severity.WARNING,
        "a remote cluster that is left out when it refuses: an answer without its documents looks like a whole one",
    ),
    "remote-unknown": (Severity.WARNING, "a role names remote clusters, and the file has none that is called so"),
    "remote-unused": (Severity.WARNING, "a remote cluster that no role may read"),
    "restricted-indices": (
        Severity.WARNING,
        "a role that may reach a cluster's own indices, the security index among them",
    ),
    "role-unused": (Severity.WARNING, "a role that nobody is granted"),
    "roles-not-compared": (
        Severity.INFO,
        "more roles with limits meet than are held against each other: of each, some of every kind of limits",
    ),
    "sign-in-without-way-in": (Severity.WARNING, "a sign-in page of Dashboards that nobody can pass"),
    "sql-leak": (Severity.WARNING, "SQL tells which index names exist"),
    "superuser-by-another-name": (
        Severity.WARNING,
        "a privilege on a cluster, or a right to act as others, by which its holders can make themselves super users",
    ),
    "system-indices": (Severity.WARNING, "a pattern that covers the engine's own indices too"),
    "tenant-read-only": (
        Severity.WARNING,
        "permissions on a tenant that look like more, and let it be read alone",
    ),
    "tenant-unknown": (Severity.WARNING, "permissions on a tenant that is not there"),
    "tenant-unused": (Severity.WARNING, "a tenant that nobody may use"),
    "token-on-behalf": (
        Severity.WARNING,
        "tokens that people make for themselves (on behalf of): they keep the roles of the moment, ten minutes at most",
    ),
    "token-outlives-group": (
        Severity.WARNING,
        "groups that count by the token: who leaves one is let in until the token ends",
    ),
    "trust-too-long": (
        Severity.WARNING,
        "more people may take break-glass than fit into a role's trust policy: AWS would refuse the role",
    ),
    "unknown-permission": (Severity.WARNING, "a permission that this engine is not known to have"),
    "unloadable": (
        Severity.ERROR,
        "a pattern that no node can read: the engine loads no change of access any more",
    ),
    "update-refused": (Severity.INFO, "updates are refused where documents or fields are limited"),
    "user-as-caller": (
        Severity.WARNING,
        "an internal user with the ARN of an IAM user or role as a backend role: with the password they are that caller, past IAM",
    ),
    "user-as-portcullis": (
        Severity.ERROR,
        "an internal user with the ARN of a role of Portcullis itself, or of a master, as a backend role: with the password they are it",
    ),
    "user-name-standard": (Severity.WARNING, "a user name that does not follow the standard of its level"),
    "volume-size": (
        Severity.WARNING,
        "a volume larger than Amazon's guide gives its instance type: AWS would refuse the domain",
    ),
    "wildcard-principal": (Severity.WARNING, "a principal with a wildcard: whoever matches is in"),
}


def found(deployment: Deployment, code: str, path: Path, message: str, remedy: str) -> Finding:
    """A finding at a place of the file, as severe as its code is."""
    return Finding(code, CODES[code][0], deployment.place(*path), message, remedy)
