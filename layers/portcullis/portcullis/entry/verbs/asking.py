"""Who may see what, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from portcullis.entry.verbs.reading import time_of
from portcullis.entry.verbs.types import LOOK, Command, Verb, Wish

if TYPE_CHECKING:
    from portcullis.access.questions.answers import Matrix, Request, WhatIf, WhoCan, Why
    from portcullis.access.questions.changes import Diff
    from portcullis.access.questions.findings import Findings
    from portcullis.access.questions.picture import Picture
    from portcullis.access.questions.then import Between, Then
    from portcullis.operations.access.asking.scene import Scene
    from portcullis.operations.services import Services
    from portcullis.remotes.parties import Explained

_MOST_ASSERTIONS = 100
_LONGEST_NAME = 2048  # of a person, an index or a path
NOW, WITH_FILE = "now", "file"  # what may stand in place of a time
_CLI = "portcullis.cli.questions.asking"

COMMANDS = (
    Command(
        "why", Wish.ASK, "Say why a person may see an index, or may not: the whole chain.",
        (Verb("why", LOOK, f"{__name__}:why"),),
        click=f"{_CLI}:why",
    ),
    Command(
        "can", Wish.ASK, "Say in one sentence whether a person may do something.",
        (Verb("can", LOOK, f"{__name__}:can"),),
        click=f"{_CLI}:can",
    ),
    Command(
        "who-can", Wish.ASK, "List the people who may read or write some indices.",
        (Verb("who-can", LOOK, f"{__name__}:who_can"),),
        click=f"{_CLI}:who_can",
    ),
    Command(
        "matrix", Wish.ASK, "Show people by indices: who reads and writes what.",
        (Verb("matrix", LOOK, f"{__name__}:matrix"),),
        click=f"{_CLI}:matrix",
    ),
    Command(
        "what-if", Wish.ASK, "Show what a person would see if they joined a group, or left it.",
        (Verb("what-if", LOOK, f"{__name__}:what_if"),),
        click=f"{_CLI}:what_if",
    ),
    Command(
        "diff", Wish.ASK, "Show who gains and who loses what between files, the engine, and times before.",
        (Verb("diff", LOOK, f"{__name__}:diff"),),
        click="portcullis.cli.questions.comparing:diff",
    ),
    Command(
        "access", Wish.ASK, "Show who had access at a time, or what became of it between two.",
        (Verb("access", LOOK, f"{__name__}:access"), Verb("access-between", LOOK, f"{__name__}:access_between")),
        click="portcullis.cli.questions.past:access",
    ),
    Command(
        "report", Wish.ASK, "Write one HTML file: who by what, why, findings, key, custody, history.",
        (Verb("report", LOOK, f"{__name__}:report"), Verb("keep-page", LOOK, "portcullis.entry.page.keeping:keep")),
        click="portcullis.cli.report.command:report",
    ),
    Command(
        "findings", Wish.ASK, "Show what is seldom meant: paths to administration, misspelt patterns.",
        (Verb("findings", LOOK, f"{__name__}:findings"),),
        click="portcullis.cli.questions.finding:findings",
    ),
    Command(
        "decide", Wish.ASK, "Decide a request by a security config, and say why.", click="portcullis.cli.questions.decide:decide"
    ),
)  # fmt: skip


def why(
    services: Services,
    deployment: str,
    *,
    person: str,
    does: str = "read",
    index: str,
    address: str = "",
    endpoint: str = "",
) -> Why:
    """`address` and `endpoint`: the IP address, or the VPC endpoint, that they call from."""
    return _about(services, deployment, person, request_of(does, index), address, endpoint)


def can(
    services: Services, deployment: str, *, person: str, does: str, what: str, address: str = "", endpoint: str = ""
) -> Why:
    return _about(services, deployment, person, request_of(does, what), address, endpoint)


def who_can(
    services: Services, deployment: str, *, does: str, index: str, address: str = "", endpoint: str = ""
) -> WhoCan:
    from portcullis.operations.access.asking import questions
    from portcullis.operations.access.asking.across import reaching
    from portcullis.operations.access.asking.edge import before
    from portcullis.operations.access.asking.scene import live

    request = request_of(does, index, only_words=True)
    scene = reaching(services, live(services.site(deployment)), request.names)
    return questions.who_can(scene, request, before(services, scene, address, endpoint))


def matrix(
    services: Services,
    deployment: str,
    *,
    indices: Sequence[str] = (),
    people: Sequence[str] = (),
    address: str = "",
    endpoint: str = "",
) -> Matrix:
    from portcullis.operations.access.asking import questions
    from portcullis.operations.access.asking.across import reaching
    from portcullis.operations.access.asking.edge import before
    from portcullis.operations.access.asking.scene import live

    scene = reaching(services, live(services.site(deployment)), indices)
    return questions.matrix(scene, indices, people, before(services, scene, address, endpoint))


def what_if(
    services: Services,
    deployment: str,
    *,
    person: str,
    does: str,
    group: str,
    address: str = "",
    endpoint: str = "",
) -> WhatIf:
    from portcullis.errors import BadInput
    from portcullis.operations.access.asking.edge import before
    from portcullis.operations.access.asking.supposing import what_if as suppose

    if does not in ("joins", "leaves"):
        raise BadInput(f"{does!r} is neither joins nor leaves", source="request", place="does", remedy="joins")
    scene = _with(services, deployment, person)
    edge = before(services, scene, address, endpoint)
    return suppose(scene, person[:_LONGEST_NAME], group[:_LONGEST_NAME], edge, leaves=does == "leaves")


def diff(
    services: Services,
    deployment: str,
    *,
    old: str = NOW,
    new: str = WITH_FILE,
    text: str = "",
    assertions: Sequence[str] = (),
) -> Diff:
    """`old` and `new`: the engine as it is (`now`), as it was at a time, or as it would be with the `file` that is `text`."""
    from portcullis.errors import BadInput
    from portcullis.operations.access.deployments import kept_model
    from portcullis.operations.access.two_states import Which, diff_of

    if isinstance(assertions, str) or len(assertions) > _MOST_ASSERTIONS:
        raise BadInput(
            "no list of assertions", source="request", place="assertions", remedy=f"{_MOST_ASSERTIONS} at most"
        )

    def meant(place: str, given: str) -> Which:
        if given == WITH_FILE:
            return kept_model(text, f"{deployment}.yaml", deployment)
        return None if given == NOW else time_of(place, given)

    if old == new:
        raise BadInput(f"{old!r} twice", source="request", place="old, new", remedy="two states that may differ")
    states = meant("old", old), meant("new", new)
    return diff_of(services.site(deployment), *states, assertions)


def access(services: Services, deployment: str, *, at: str, user: str = "", index: str = "") -> Then:
    from portcullis.operations.access.asking.edge import before
    from portcullis.operations.access.asking.scene import live
    from portcullis.operations.access.then import then

    _refuse_others(index)
    moment, site = time_of("at", at), services.site(deployment)
    now = live(site)
    edge = before(services, now)
    return then(site, now, moment, user[:_LONGEST_NAME], index[:_LONGEST_NAME], edge)


def access_between(
    services: Services, deployment: str, *, since: str, until: str = "", user: str = "", index: str = ""
) -> Between:
    """Without `until`: up to now."""
    from portcullis.operations.access.asking.edge import before
    from portcullis.operations.access.asking.scene import live
    from portcullis.operations.access.then import between

    _refuse_others(index)
    end = time_of("until", until) if until else services.now()
    begin, site = time_of("since", since), services.site(deployment)
    now = live(site)
    edge = before(services, now)
    return between(site, now, begin, end, user[:_LONGEST_NAME], index[:_LONGEST_NAME], edge)


def _refuse_others(index: str) -> None:
    from portcullis.access.questions.answers import is_beyond
    from portcullis.errors import BadInput

    if is_beyond(index):
        problem = f"{index[:100]!r} is of another cluster, and the history tells of this one alone"
        raise BadInput(problem, source="request", place="index", remedy="who reads it now: portcullis who-can read")


def report(services: Services, deployment: str) -> Picture:
    from portcullis.operations.access.asking.drawing import picture
    from portcullis.operations.access.asking.edge import before
    from portcullis.operations.access.asking.scene import live

    scene = live(services.site(deployment))
    drawn = picture(scene, services.now(), before(services, scene))
    return replace(drawn, page=services.settings.page_of(deployment))


def findings(services: Services, deployment: str) -> Findings:
    from portcullis.operations.access.asking.edge import before
    from portcullis.operations.access.asking.findings.finding import findings as found
    from portcullis.operations.access.asking.findings.finding import trusted
    from portcullis.operations.access.asking.scene import live
    from portcullis.operations.access.changing.foundation import keepers
    from portcullis.operations.people.passwords import secret_in_use
    from portcullis.operations.watching.roads import last_seen
    from portcullis.watch.roads import RoadKind

    site, seen = services.site(deployment), last_seen(services, deployment)
    own = {keeper.entry for keeper in keepers(site.registration).keepers}
    scene = live(site)
    secret = seen.get(RoadKind.SECRET.value)
    kept = site.ledger.model(deployment)
    passwords = {user: secret_in_use(site.registration, kept, user) for user in kept.access.users}
    return found(scene, trusted(seen) if seen else None, own, before(services, scene), secret, passwords)


def request_of(does: str, what: str, *, only_words: bool = False) -> Request:
    """`does` is a method, and `what` a path; or a word or an action, and names of indices. BadInput for neither."""
    from portcullis.access.questions.answers import Request
    from portcullis.errors import BadInput

    for place, said in (("does", does), ("index", what)):
        if len(said) > _LONGEST_NAME:
            long = f"has {len(said)} characters"
            raise BadInput(long, source="request", place=place, remedy=f"{_LONGEST_NAME} at most")
    if not what:
        raise BadInput("no index is named", source="request", place="index", remedy="e.g. orders-2026, or 'orders-*'")
    method = does.upper()
    if method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS") and not only_words:
        return Request(method, "/" + what.lstrip("/"))
    if does not in ("read", "write") and ":" not in does:
        methods = "" if only_words else "a method (GET) with a path, "
        remedy = f"{methods}read, write, or an action such as indices:data/read/search"
        raise BadInput(f"what {does!r} means is not known", source="request", place="does", remedy=remedy)
    if "/" in what:
        raise BadInput(
            f"{what!r} is a path",
            source="request",
            place="index",
            remedy=f"the name of an index, or: can ... GET {what}",
        )
    return Request(does, indices=tuple(filter(None, what.split(","))))


def _about(
    services: Services, deployment: str, person: str, request: Request, address: str = "", endpoint: str = ""
) -> Why:
    from portcullis.operations.access.asking import questions
    from portcullis.operations.access.asking.across import reaching
    from portcullis.operations.access.asking.edge import before
    from portcullis.operations.access.asking.since import LONGEST_HISTORY
    from portcullis.operations.watching.roads import told_by_events

    history = services.ledger.history(deployment, LONGEST_HISTORY)
    scene = reaching(services, _with(services, deployment, person), request.names)
    edge = before(services, scene, address, endpoint, told_by_events(services, deployment))
    return questions.why(scene, person[:_LONGEST_NAME], request, history, edge)


def explained_over_domains(services: Services, deployment: str, person: str, index: str) -> Explained:
    """What `why` says of an index of a connected domain, in the form of `remote explain`."""
    from portcullis.operations.access.asking.across import reaching
    from portcullis.operations.access.asking.edge import before
    from portcullis.operations.access.asking.over_domains import explained
    from portcullis.operations.access.asking.since import LONGEST_HISTORY
    from portcullis.operations.watching.roads import told_by_events
    from portcullis.remotes.parties import Asked

    asked = Asked.of(index[:_LONGEST_NAME])
    scene = reaching(services, _with(services, deployment, person), (str(asked),))
    edge = before(services, scene, told=told_by_events(services, deployment))
    history = services.ledger.history(deployment, LONGEST_HISTORY)
    return explained(scene, person[:_LONGEST_NAME], asked, history, edge)


def _with(services: Services, deployment: str, person: str) -> Scene:
    """The scene, in which this person is looked up if no group and no mapping names them."""
    from portcullis.access.questions.persons import named
    from portcullis.operations.access.asking.scene import live, somebody_else

    site = services.site(deployment)
    scene, name = live(site), person[:_LONGEST_NAME]
    return scene if named(scene.people, name) else somebody_else(site, scene, name)
