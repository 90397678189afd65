"""What may stand where a name is asked for. A rule is the engine's or AWS's own, or keeps a hostile name out of a path or a log."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from portcullis.access.plan import SubjectKind
from portcullis.families.opensearch.names.attributes import ATTRIBUTE
from portcullis.families.opensearch.names.entries import breaks_filters
from portcullis.families.opensearch.names.matching import is_expression
from portcullis.families.opensearch.names.matching import matches as as_the_engine
from portcullis.families.opensearch.names.patterns import unreadable


class Wrong(ValueError):
    """A value that will not do. `remedy` says what would; `at` is where, below the place that was being looked at."""

    def __init__(self, problem: str, remedy: str = "", at: tuple[str | int, ...] = ()) -> None:
        super().__init__(problem)
        self.problem, self.remedy, self.at = problem, remedy, at


def shown(text: object, limit: int = 60) -> str:
    """A value as a message may carry it: in quotes, control characters escaped, cut when long."""
    written = repr(text) if isinstance(text, str) else str(text)
    return written if len(written) <= limit else f"{written[: limit - 1]}…"


def nearest(name: str, known: Iterable[str]) -> str:
    """Which of `known` may be meant; empty if none is like it."""
    lower = {n.lower(): n for n in known}
    close = get_close_matches(name.lower(), lower, n=1, cutoff=0.6)
    return lower[close[0]] if close else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A remedy for a name that is none of `known` (never empty unless nothing is known)."""
    names = sorted(set(known))
    if close := nearest(name, names):
        return f"did you mean {close!r}?"
    return f"known: {', '.join(names[:12])}{', …' if len(names) > 12 else ''}" if names else ""


# Under `account` the ledger and the alerts keep what belongs to the account and to no deployment.
DEPLOYMENT = r"(?!account$)[a-z][a-z0-9-]{2,20}"
DEPLOYMENT_RULE = (
    "3 to 21 characters: a lower-case letter, then lower-case letters, digits and hyphens; `account` is taken"
)
_RULES: dict[str, tuple[str, str]] = {
    "a deployment's name": (DEPLOYMENT, DEPLOYMENT_RULE),
    "a name": (
        r"[A-Za-z0-9](?:[A-Za-z0-9_.:@ -]{0,126}[A-Za-z0-9_.:@-])?",
        "1 to 128 letters, digits and _ . : @ - or inner spaces, a letter or digit first",
    ),
    "a user name": (
        r"[A-Za-z0-9][A-Za-z0-9_.@+=-]{0,127}",
        "1 to 128 letters, digits and _ . @ + = -, a letter or digit first",
    ),
    "an IAM name": (r"[A-Za-z0-9_+=,.@-]{1,128}", "1 to 128 letters, digits and _ + = , . @ -"),
    "an engine": (
        r"(?:OpenSearch_[1-3]\.\d{1,2}|Elasticsearch_(?:6\.[78]|7\.\d{1,2}))",
        "as Amazon names it: OpenSearch_1.0 to OpenSearch_3.x, or Elasticsearch_6.7 to 7.10",
    ),
    "an engine of Elastic's own": (
        r"elasticsearch-(?:(?:6\.8|7\.17)(?:\.\d{1,2})?|[89](?:\.\d{1,2}){0,2})",
        "elasticsearch- and 9, 8, 7.17 or 6.8, for example elasticsearch-9.5 or elasticsearch-6.8.23",
    ),
    "an endpoint": (
        r"(?=.{4,259}$)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?:[1-9]\d{0,4}",
        "host and port without a scheme, such as search.example.internal:9200: it is always https",
    ),
    "a KMS key": (
        r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(?:key/[A-Za-z0-9-]{1,64}|alias/[A-Za-z0-9/_-]{1,250})",
        "the ARN of a key or of an alias: arn:aws:kms:REGION:ACCOUNT:key/ID or …:alias/NAME",
    ),
    "a domain's ARN": (
        r"arn:aws[a-z-]*:es:[a-z0-9-]+:\d{12}:domain/[a-z][a-z0-9-]{2,27}",
        "arn:aws:es:REGION:ACCOUNT:domain/NAME",
    ),
    "a connection's alias": (
        r"[a-zA-Z][a-zA-Z0-9_-]{1,99}",
        "2 to 100 letters, digits and _ -, a letter first",
    ),
    "an alias": (r"alias/(?!aws/)[A-Za-z0-9/_-]{1,250}", "alias/NAME, and not alias/aws/…, which is AWS's own"),
    "a Region": (r"[a-z]{2}(?:-[a-z]+)+-\d", "a Region's name, such as eu-west-1"),
    "an instance type": (
        r"[a-z0-9]+\.[a-z0-9]+\.search",
        "as Amazon names it, such as r7g.large.search",
    ),
    "an e-mail address": (
        r"[^@\s\"'<>(),;:\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])",
        "name@example.com",
    ),
    "a secret": (
        r"(?:arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:)?[A-Za-z0-9/_+=.@-]{1,512}",
        "the name or ARN of a secret in Secrets Manager; the password itself never stands here",
    ),
    "a VPC": (r"vpc-[0-9a-f]{8,17}", "vpc- and its hexadecimal digits"),
    "a subnet": (r"subnet-[0-9a-f]{8,17}", "subnet- and its hexadecimal digits"),
    "a prefix list": (r"pl-[0-9a-f]{8,17}", "pl- and its hexadecimal digits"),
    "a security group": (
        r"(?:\d{12}/)?sg-[0-9a-f]{8,17}",
        "sg- and its hexadecimal digits; ACCOUNT/sg-… for one of another account",
    ),
    "an Availability Zone": (r"[a-z]{2}(?:-[a-z]+)+-\d[a-z]", "a zone's name, such as eu-central-1a"),
    "an identity store": (
        r"d-[0-9a-f]{10}",
        "d- and ten hexadecimal digits, as `aws sso-admin list-instances` shows it",
    ),
}


def check(what: str, value: str) -> str:
    """`value`, if it is what `what` (a key of the rules) asks for. Raises Wrong."""
    pattern, rule = _RULES[what]
    if not re.fullmatch(pattern, value, re.ASCII):
        raise Wrong(f"{shown(value)} is not {what}", rule)
    return value


def pattern_of(what: str) -> str:
    """The rule as a regular expression, for the JSON Schema."""
    return f"^(?:{_RULES[what][0]})$"


SECURITY_INDEX = ".opendistro_security"
# What a pattern must not reach by accident: the engine's own indices, the security index first.
SYSTEM_INDICES = (
    SECURITY_INDEX,
    ".opensearch-security",
    ".opendistro-job-scheduler-lock",
    ".kibana_1",
    ".opensearch_dashboards_1",
    ".tasks",
)


_LONGEST_NAME = 255  # bytes, of an index or an alias


def check_index_pattern(value: str) -> str:
    """An index name, wildcard pattern or /regular expression/ as the Security plugin takes it. Raises Wrong.

    The plugin takes anything; what can match no name is refused here, since it looks as if it could.
    """
    if not value or len(value.replace("*", "").encode()) > _LONGEST_NAME:
        raise Wrong(f"an index pattern of {len(value)} characters", f"1 to {_LONGEST_NAME}: no index has a longer name")
    if value.startswith("/"):
        if not is_expression(value) or len(value) < 3 or any(ord(c) < 32 for c in value):
            raise Wrong(f"{shown(value)} is not a regular expression", "/expression/")
        if why := unreadable(value):
            raise Wrong(f"{shown(value)} is not a regular expression: {why}", "/expression/, as Java reads it")
        return value
    if value.startswith("<") or value.endswith(">"):
        raise Wrong(
            f"{shown(value)} is date math: it would cover the index of one day, and another one tomorrow",
            "the names of all of them: logs-*",
        )
    plain = ATTRIBUTE.sub("x", value)  # ${user.name}, ${attr.internal.team}
    bad = sorted({c for c in plain if ord(c) < 33 or ord(c) == 127 or c in "\"',\\/|#%{}$<>"})
    if bad:
        raise Wrong(
            f"{shown(value)} is not an index pattern: it holds {', '.join(shown(c) for c in bad)}",
            "a name with * and ? as wildcards, ${user.name} and the like, or /a regular expression/; several patterns are several entries",
        )
    if plain[0] in "-_+" or plain in (".", ".."):
        raise Wrong(
            f"{shown(value)} matches nothing: no index or alias is called so",
            "a role has no exclusions: name the indices that are meant, without a sign before them",
        )
    if value.startswith("."):
        reached = [name for name in SYSTEM_INDICES[:2] if matches(value, name)]
        if reached or value.startswith((SECURITY_INDEX, ".opensearch-security")):
            raise Wrong(
                f"{shown(value)} reaches the security index",
                "nobody but the engine may touch it: name the indices you mean",
            )
    return value


def matches(pattern: str, name: str) -> bool:
    """Whether an index pattern covers an index name, as the engine matches it (case counts)."""
    return as_the_engine(pattern, name)


@lru_cache(maxsize=100_000)
def overlap(one: str, other: str) -> bool:
    """Whether two wildcard patterns can cover the same name. Regular expressions are taken to overlap whatever they are held against."""
    if one.startswith("/") or other.startswith("/"):
        return matches(one, other) or matches(other, one) or (one.startswith("/") and other.startswith("/"))
    a, b = literal(one), literal(other)
    if not (a.startswith(b) or b.startswith(a)):
        return False
    # Which pairs of positions can be reached by consuming the same characters on both sides.
    reached, todo = set(), [(0, 0)]
    while todo:
        i, j = todo.pop()
        if (i, j) in reached:
            continue
        reached.add((i, j))
        if i == len(one) and j == len(other):
            return True
        a, b = one[i : i + 1], other[j : j + 1]  # empty at the end
        if a == "*":
            todo.append((i + 1, j))
            if b and b != "*":
                todo.append((i, j + 1))
        if b == "*":
            todo.append((i, j + 1))
            if a and a != "*":
                todo.append((i + 1, j))
        if a and b and "*" not in (a, b) and (a == b or "?" in (a, b)):
            todo.append((i + 1, j + 1))
    return False


def narrower(ones: Iterable[str], others: Iterable[str]) -> str:
    """The narrower of two patterns, one of each side, that can cover the same index; empty if none do."""
    others = tuple(others)
    for p in ones:
        for q in others:
            # An index name holds no colon: such a pattern is about indices of a remote cluster.
            if ":" not in p and ":" not in q and overlap(p, q):
                return max(p, q, key=lambda pattern: (len(pattern.rstrip("*")), pattern))
    return ""


def literal(pattern: str) -> str:
    """What stands before the first wildcard."""
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


_ARN = re.compile(
    r"arn:(aws[a-z-]*):iam::(\d{12}):(user|role|group)/((?:[\x21-\x7e]{1,510}/)?)([A-Za-z0-9_+=,.@-]{1,128})"
)
_PRINTABLE = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\u2028\u2029]{1,128}")

_ALIKE = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "FULLWIDTH"})  # alphabets

# Roles that the stacks make for Portcullis itself, by what their names end in.
_OURS = re.compile(r"portcullis-(automation|.+-(break-glass|canary|snapshots|snapshot-store))")

# Roles that the stacks make beside every domain, by what their names end in: portcullis-DEPLOYMENT-…
ROLES_OF_DOMAINS = ("master", "break-glass", "canary", "snapshots", "snapshot-store", "signed-in", "cognito-access")
# Words that Cognito takes in no prefix of a user pool's domain, which is portcullis-DEPLOYMENT-ACCOUNT.
NOT_IN_SIGN_IN_PAGES = ("aws", "amazon", "cognito")


def is_ours(role: str) -> bool:
    """Whether a role, by name or ARN, is one of Portcullis' own: what it may do is no file's to say."""
    return _OURS.fullmatch(role.rpartition("/")[2].lower()) is not None


def is_a_master(role: str) -> bool:
    """Whether a role, by name or ARN, is called like one that the stacks make to be the master of a domain."""
    return re.fullmatch(r"portcullis-.+-master", role.rpartition("/")[2].lower()) is not None


def deceptive(name: str) -> str:
    """Why somebody could take a name for another one; empty if there is no reason."""
    if unicodedata.normalize("NFC", name) != name:
        return "it is written with letters and accents apart, and is not the same name as with both in one"
    scripts = {unicodedata.name(sign, "?").split()[0] for sign in name if sign.isalpha()} & _ALIKE
    if len(scripts) < 2:
        return ""
    return f"it has letters of several alphabets that look alike ({', '.join(sorted(scripts)).lower()})"


def check_subject(kind: SubjectKind, name: str) -> str:
    """A subject's name in a grant: an IAM name or ARN, a Cognito name, a plain string. Raises Wrong."""
    _check_form(kind, name)
    if kind is not SubjectKind.IDENTITY_CENTER_GROUP and (why := breaks_filters(name)):
        raise Wrong(
            f"{shown(name, 90)} would never be mapped: {why}", "a name without quotation marks, backslashes and ${"
        )
    return name


def _check_form(kind: SubjectKind, name: str) -> str:
    iam = {SubjectKind.IAM_USER: "user", SubjectKind.IAM_ROLE: "role", SubjectKind.IAM_GROUP: "group"}.get(kind)
    if iam:
        if "*" in name or "?" in name:
            raise Wrong(
                f"{shown(name, 90)} holds a wildcard",
                f"a mapping would let in every {iam} that matches: name the {iam}",
            )
        if not name.startswith("arn:"):
            return check("an IAM name", name)
        found = _ARN.fullmatch(name)
        if not found or found[3] != iam:
            other = found and found[3]
            if other in ("user", "role", "group"):
                raise Wrong(f"{shown(name, 90)} is the ARN of a {other}", f"say iam_{other}: …, or give a {iam}'s ARN")
            if ":assumed-role/" in name:
                raise Wrong(
                    f"{shown(name, 90)} is a session, not a role",
                    "the engine knows the role: arn:aws:iam::ACCOUNT:role/NAME",
                )
            raise Wrong(
                f"{shown(name, 90)} is not the ARN of an IAM {iam}", f"a name, or arn:aws:iam::ACCOUNT:{iam}/PATH/NAME"
            )
        return name
    if kind in (SubjectKind.COGNITO_USER, SubjectKind.COGNITO_GROUP):
        if name.startswith("Cognito/"):
            raise Wrong(f"{shown(name)} is the principal", "the user's name alone: the pool is the deployment's own")
        if not _PRINTABLE.fullmatch(name) or not name.isprintable() or any(c in name for c in '/"*?'):
            # The engine reads * and ? in a mapping as wildcards: a user called * would be everybody.
            raise Wrong(
                f"{shown(name)} is not a Cognito name", "1 to 128 characters without spaces, slashes, quotes, * and ?"
            )
        return name
    if kind is SubjectKind.IDENTITY_CENTER_GROUP:
        if not re.fullmatch(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,1024}", name) or name != name.strip():
            raise Wrong(f"{shown(name)} is not a group of IAM Identity Center", "the group's id or its display name")
        return name
    if kind is SubjectKind.INTERNAL_USER:
        return check("a user name", name)
    if not re.fullmatch(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,256}", name) or name != name.strip():
        raise Wrong(f"{shown(name)} is not a backend role", "1 to 256 characters, none of them a control character")
    if "*" in name and not name.strip("*?"):
        raise Wrong(f"the backend role {shown(name)} would let everyone in", "name the backend role")
    if is_expression(name) or unreadable(name):
        # One that no node can read would keep the engine from loading any change of access.
        raise Wrong(f"the engine reads {shown(name)} as a regular expression", "name the backend role")
    return name


def of_no_caller(backend_role: str) -> str:
    """Why no caller has this ARN as a backend role, with whose they would have; empty if one can, or it is no ARN.

    Amazon's service gives a caller the ARN of their IAM user or role, never that of the session (FGAC guide).
    """
    if not backend_role.startswith("arn:") or "*" in backend_role or "?" in backend_role:
        return ""
    found = _ARN.fullmatch(backend_role)
    if found and found[3] in ("user", "role"):
        return ""
    if found:
        return "an IAM group is nobody who signs a request: grant it as iam_group"
    if ":assumed-role/" in backend_role:
        return "the engine knows the role of a session: arn:aws:iam::ACCOUNT:role/NAME"
    if ":instance-profile/" in backend_role:
        return "a machine signs as the role within its instance profile: grant that as iam_role"
    return "the engine knows callers by the ARN of an IAM user or role"


def is_of_a_caller(backend_role: str) -> bool:
    """Whether it is the ARN of an IAM user or role: what somebody who signs their requests has as a backend role."""
    found = _ARN.fullmatch(backend_role)
    return found is not None and found[3] in ("user", "role")


def account_of(name: str) -> str:
    """The account of an IAM ARN, or empty for a plain name."""
    found = _ARN.fullmatch(name)
    return found[2] if found else ""
