"""A remote moved from certificates to a key, whatever call fails or is the last of its process: held for each of them, forth and back.

In memory, as no real server dies at a chosen call; test_migrating_on_elastic.py does the same with real ones.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from portcullis import model
from portcullis.access.actual import Json
from portcullis.cli import main as cli
from portcullis.custody.types import Custody, State
from portcullis.entry import ask as asking
from portcullis.entry.operate import carry_out
from portcullis.entry.verbs import ACT, LOOK
from portcullis.errors import BadInput, PortcullisError, Refused, Shut, Unreachable
from portcullis.families.elasticsearch.documents.config import Kind, SecurityConfig
from portcullis.operations.remotes.moving.kept import all_under_way, forget, keep, under_way
from portcullis.operations.remotes.moving.migrating import Migrated, migrate_remote
from portcullis.operations.remotes.moving.planning import Migration, remote_migration
from portcullis.operations.remotes.sweeping import look_after_keys
from portcullis.ports.engine import Names
from portcullis.ports.registration import Cluster, KeptModel
from portcullis.ports.remotes import Connection, KeyText
from portcullis.remotes.facts import Certificate, Licence
from portcullis.remotes.keys import Key, Offer
from portcullis.remotes.moving import Stage, Way

from tests.operations.agreeing import CAUSE
from tests.operations.worlds import Account, account

GIVER, READER, OLD, NEW, SECRET = "logs", "orders", "dc2", "dc2k", "remotes/orders"
NOW = datetime(2026, 1, 31, tzinfo=UTC)
HEAD = """\
deployment: NAME
engine: elasticsearch-9.5
cluster: {endpoint: "NAME.example:443", user: portcullis, credential: NAME/automation, licence: trial}
key: {arn: arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000}
identity: {cognito: {groups: {readers: {}}}}
"""
GIVES = HEAD + f"offers: {{for-orders: {{search: [{{names: ['logs-*']}}], secret: {SECRET}}}}}\n"
CERTIFICATE = f"{OLD}: {{deployment: {GIVER}, model: certificate}}"
ROLES = {GIVER: {"reader": {"indices": [{"names": ["logs-*"], "privileges": ["read"]}]}}}


def by_key(alias: str) -> str:
    return f"{alias}: {{deployment: {GIVER}, credential: {SECRET}, allows: {{search: [{{names: ['logs-*']}}]}}}}"


def reads(remotes: str, clusters: str) -> str:
    return (
        HEAD
        + f"""\
remotes: {{{remotes}}}
access:
  roles: {{reader: {{remote_indices: [{{clusters: [{clusters}], names: ['logs-*'], privileges: [read]}}]}}}}
  grants: [{{role: reader, to: {{cognito_group: readers}}}}]
"""
    )


SECOND = reads(f"{CERTIFICATE}, {by_key(NEW)}", f"{OLD}, {NEW}")
SAME = reads(by_key(OLD), OLD)


class CutOff(Exception):
    """The process is gone: before the call did anything, or after."""


@dataclass
class Clusters:
    """Both, as `us` may reach them. `fails`: the number of the call that is the last of its process, and whether it was done."""

    fails: dict[int, bool] = field(default_factory=dict)
    calls: int = 0
    keys: dict[str, Key] = field(default_factory=dict)
    secret: KeyText | None = None
    on_disk: dict[str, dict[str, str]] = field(default_factory=lambda: {"a": {}, "b": {}})  # node -> alias -> key
    in_use: dict[str, dict[str, str]] = field(default_factory=lambda: {"a": {}, "b": {}})
    leads: dict[str, Connection] = field(default_factory=lambda: {OLD: Connection(OLD, "logs.example:9300")})
    writable: frozenset[str] = frozenset({"a", "b"})
    answers: bool = True  # whether the port for keys does
    trusts: bool = True  # whether certificates are let in
    in_files: str = ""  # an alias that is set in the nodes' files, too
    watched: str = ""  # an alias that people read all the time
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, do: Callable[[], Any]) -> Any:
        self.calls += 1
        if self.calls in self.fails and not self.fails[self.calls]:
            raise CutOff
        found = do()
        if self.watched:
            assert self.by(self.watched), f"{self.watched} was refused"
        if self.calls in self.fails:
            raise CutOff
        return found

    def by(self, alias: str) -> str:
        """By which model an alias is read; empty: not at all."""
        one = self.leads.get(alias)
        held = {of.get(alias, "") for of in self.in_use.values()}
        if one is None or len(held) > 1:
            return ""
        (key,) = held
        if one.address.endswith(":9300"):
            return "" if key or not self.trusts else "certificate"
        return "key" if key in self.keys and self.answers else ""

    # ------------------------------------------------------------------ the side that is read, and the secret

    def us(self) -> str:
        return "portcullis"

    def shown(self) -> tuple[Key, ...]:
        return tuple(self.keys.values())

    def make(self, offer: Offer) -> KeyText:
        def do() -> KeyText:
            one = f"k{next(self.numbers)}"
            made = NOW + timedelta(seconds=len(self.keys))
            end = NOW + timedelta(days=offer.days)
            self.keys[one] = Key(one, offer.key_name, "portcullis", offer.access, made, end, offer.metadata)
            return KeyText(one, "hidden-4711")

        found: KeyText = self.call(do)
        return found

    def change(self, key: str, access: Json) -> None:
        self.call(lambda: self.keys.update({key: replace(self.keys[key], access=access)}))

    def end(self, keys: Collection[str]) -> None:
        self.call(lambda: [self.keys.pop(key, None) for key in keys])

    def read(self, _secret: str) -> KeyText | None:
        return self.secret

    def put(self, *given: Any) -> None:
        if len(given) == 2:
            self.call(lambda: setattr(self, "secret", given[1]))
            return
        node, alias, text = given
        self.call(lambda: self.on_disk[node].update({alias: text.id}) if text else self.on_disk[node].pop(alias, None))

    # ------------------------------------------------------------------ the side that reads

    def nodes(self) -> frozenset[str]:
        return frozenset(self.on_disk)

    def reload(self) -> None:
        self.call(lambda: self.in_use.update({node: dict(held) for node, held in self.on_disk.items()}))

    def key_in_use(self, alias: str) -> str:
        if self.by(alias) != "key":
            raise Refused(f"{alias} refuses")
        return self.in_use["a"][alias]

    def connect(self, connection: Connection) -> None:
        self.call(lambda: self.leads.update({connection.alias: connection}))

    def disconnect(self, alias: str) -> None:
        self.call(lambda: None if alias == self.in_files else self.leads.pop(alias, None))

    def info(self) -> Mapping[str, Json]:
        found: dict[str, Json] = {}
        for alias, one in self.leads.items():
            keyed = {"cluster_credentials": "::es_redacted::"} if self.in_use["a"].get(alias) else {}
            found[alias] = {
                "mode": one.mode,
                **({"proxy_address": one.address} if one.mode == "proxy" else {"seeds": [one.address, *one.more]}),
                "skip_unavailable": one.skip_unavailable,
                "connected": bool(self.by(alias)),
                **keyed,
            }
        return found

    def resolve(self, expression: str) -> Mapping[str, Any]:
        return {}

    def releases(self) -> tuple[str, ...]:
        return ("9.5.3",)

    def licence(self) -> Licence:
        return Licence("trial")

    def certificates(self) -> tuple[Certificate, ...]:
        return ()

    def settled(self) -> dict[str, str]:
        return {alias: self.by(alias) for alias in self.leads}


@dataclass
class OnNodes:
    of: Clusters

    @property
    def nodes(self) -> frozenset[str]:
        return self.of.writable

    def put(self, node: str, alias: str, text: KeyText | None) -> None:
        self.of.put(node, alias, text)


@dataclass
class Engine:
    """What of an engine is looked at."""

    roles: dict[str, Json]
    dialect: str = "9.5 trial"
    users: dict[str, Json] = field(default_factory=lambda: {"anna": {"roles": ["reader"]}})

    def read(self, _kinds: Any = None) -> SecurityConfig:
        return SecurityConfig({Kind.ROLES: self.roles, Kind.USERS: self.users})

    def names(self) -> Names:
        return Names(("logs-1", "hr"))


def made(text: str = SECOND, **more: Any) -> tuple[Account, Clusters]:
    clusters = Clusters(**more)
    world = account()
    roles = {READER: model.resolve(model.loads(text.replace("NAME", READER), "orders")).roles, **ROLES}
    roles["bills"] = {}
    services = replace(
        world.services,
        cluster_keys=lambda _: clusters,
        key_texts=lambda _: clusters,
        remotes=lambda _: clusters,
        keystores=lambda _: OnNodes(clusters),
        engine=lambda of: Engine(dict(roles[of.deployment])),
        now=lambda: NOW,
        sleep=lambda _: None,
    )
    world = replace(world, services=services)
    for name, file in ((GIVER, GIVES), (READER, text)):
        world.registered(name, family="elasticsearch", place=Cluster(f"{name}.example:443"))
        declare(world, name, file)
    return world, clusters


def declare(world: Account, name: str, text: str) -> None:
    text = text.replace("NAME", name)
    file = model.loads(text, f"{name}.yaml")
    kept = KeptModel(text, model.resolve(file), model.options(file))
    world.ledger.keep_model(name, replace(kept, version=_version(world, name)))


def _version(world: Account, name: str) -> int:
    try:
        return world.ledger.model(name).version
    except PortcullisError:
        return 0


def move(world: Account, **more: Any) -> Migrated:
    return migrate_remote(world.services, READER, CAUSE, alias=OLD, **more)


WAYS = [(SECOND, NEW), (SAME, OLD)]


def numbered(text: str, **more: Any) -> range:
    """The calls of a whole move that change something."""
    world, clusters = made(text)
    move(world)
    if more:
        before = clusters.calls
        move(world, **more)
        return range(before + 1, clusters.calls + 1)
    return range(1, clusters.calls + 1)


@pytest.mark.parametrize(("text", "to"), WAYS)
@pytest.mark.parametrize("done", [False, True])
def test_cut_off_at_any_call_it_goes_on_to_the_same_end(text: str, to: str, done: bool) -> None:
    for number in numbered(text):
        world, clusters = made(text, fails={number: done})
        if to == NEW:
            clusters.watched = OLD
        with pytest.raises(CutOff):
            move(world)
        assert move(world).state == ("beside" if to == NEW else "switched")
        assert clusters.settled() == {OLD: "certificate", NEW: "key"} if to == NEW else {OLD: "key"}
        clusters.watched = to
        assert move(world, go_on=True).state == "moved"
        assert clusters.settled() == {to: "key"}
        assert under_way(world.services.site(READER), OLD) is None
        look_after_keys(
            world.services.site(GIVER), CAUSE
        )  # a key whose text was lost on the way to the secret is ended by a sweep
        assert clusters.secret is not None
        assert list(clusters.keys) == [clusters.secret.id]


@pytest.mark.parametrize(("text", "to"), WAYS)
@pytest.mark.parametrize("done", [False, True])
def test_cut_off_at_any_call_it_goes_back_to_where_it_began(text: str, to: str, done: bool) -> None:
    for number in numbered(text):
        world, clusters = made(text, fails={number: done})
        if to == NEW:
            clusters.watched = OLD
        with pytest.raises(CutOff):
            move(world)
        assert move(world, back=True).state == "rolled-back"
        assert clusters.settled() == {OLD: "certificate"}
        assert not any(held for held in clusters.on_disk.values())
        assert under_way(world.services.site(READER), OLD) is None


@pytest.mark.parametrize(("text", "to"), WAYS)
@pytest.mark.parametrize("done", [False, True])
def test_a_way_back_that_is_cut_off_goes_on_and_forth_is_refused(text: str, to: str, done: bool) -> None:
    for number in numbered(text, back=True):
        world, clusters = made(text, fails={number: done})
        move(world)
        with pytest.raises(CutOff):
            move(world, back=True)
        with pytest.raises(Refused, match="way back"):
            move(world)
        assert move(world, back=True).state == "rolled-back"
        assert clusters.settled() == {OLD: "certificate"}
        assert move(world).to == to


@pytest.mark.parametrize("done", [False, True])
def test_once_the_old_road_is_being_given_up_there_is_no_way_back(done: bool) -> None:
    (number,) = numbered(SECOND, go_on=True)
    world, clusters = made(SECOND, fails={number: done})
    clusters.watched = OLD
    move(world)
    clusters.watched = NEW
    with pytest.raises(CutOff):
        move(world, go_on=True)
    with pytest.raises(Refused, match="given up"):
        move(world, back=True)
    assert (move(world).state, clusters.settled()) == ("moved", {NEW: "key"})
    assert [one.summary for one in world.ledger.history(READER)]


def test_a_key_that_is_not_seen_in_use_has_the_same_alias_switched_back() -> None:
    world, clusters = made(SAME, answers=False)
    with pytest.raises(Refused, match="by certificate again"):
        move(world)
    assert clusters.settled() == {OLD: "certificate"}
    clusters.answers = True
    assert (move(world).state, clusters.settled()) == ("switched", {OLD: "key"})


def test_a_way_back_to_certificates_no_longer_let_in_ends_and_says_so() -> None:
    world, clusters = made(SAME)
    move(world)
    clusters.trusts = False
    back = move(world, back=True)
    assert "not connected by certificate yet" in back.left[0].what
    assert under_way(world.services.site(READER), OLD) is None


def test_an_alias_that_stands_in_the_nodes_files_is_not_called_gone() -> None:
    world, clusters = made(in_files=OLD)
    move(world)
    with pytest.raises(Refused, match="settings of nodes"):
        move(world, go_on=True)
    clusters.in_files = ""
    assert move(world).state == "moved"


def test_a_key_not_seen_in_use_leaves_the_old_alias_beside() -> None:
    world, clusters = made(SECOND, answers=False, watched=OLD)
    with pytest.raises(Refused, match="refuses"):
        move(world)
    assert remote_migration(world.services, READER, alias=OLD).stage == Stage.SEEN
    with pytest.raises(Refused, match="refuses"):
        move(world, go_on=True)
    assert clusters.by(OLD) == "certificate"


def test_two_at_once_are_refused_and_so_is_another_way() -> None:
    world, clusters = made()
    site = world.services.site(READER)
    with (
        world.ledger.lease(f"migration:{site.place.id}:{OLD}", "another"),
        pytest.raises(Unreachable, match="right now"),
    ):
        move(world)
    assert clusters.calls == 0
    move(world)
    with pytest.raises(Refused, match="--continue or --rollback"):
        move(world, way=Way.SAME_ALIAS)
    for asked in ({"go_on": True}, {"back": True}):
        with pytest.raises(Refused, match="no move of dc2"):
            move(made()[0], **asked)


def test_while_it_is_locked_nothing_is_moved_and_what_was_begun_waits() -> None:
    world, clusters = made()
    world.ledger.keep_custody(Custody(READER, state=State.LOCKED))
    with pytest.raises(Shut):
        move(world)
    assert clusters.calls == 0
    world, clusters = made()
    world.ledger.keep_custody(Custody(GIVER, state=State.LOCKED))
    with pytest.raises(Refused, match="logs is locked: nothing is moved until it is open"):
        move(world)
    assert clusters.settled() == {OLD: "certificate"}


def test_where_a_keystore_cannot_be_written_somebody_does_it_and_asks_again() -> None:
    world, clusters = made(writable=frozenset({"a"}), watched=OLD)
    with pytest.raises(Refused, match="keystore of b"):
        move(world)
    clusters.on_disk["b"][NEW] = "k1"
    assert move(world).state == "beside"
    back = move(world, back=True)
    assert any("keystore of b" in one.how for one in back.left)
    with pytest.raises(Refused, match="by a second alias"):
        move(made(SAME, writable=frozenset({"a"}))[0])


def test_an_alias_that_another_move_leads_to_is_not_moved_to_until_that_one_ends() -> None:
    """Else the way back of the one would take away what people read by since the other."""
    second = "dc3"
    leads = {one: Connection(one, "logs.example:9300") for one in (OLD, second)}
    world, clusters = made(
        SECOND.replace(CERTIFICATE, f"{CERTIFICATE}, {CERTIFICATE.replace(OLD, second)}"), leads=leads
    )
    move(world)
    with pytest.raises(Refused, match="dc2 is being moved to dc2k: --continue or --rollback of that first"):
        migrate_remote(world.services, READER, CAUSE, alias=second, to=NEW)
    assert remote_migration(world.services, READER, alias=second, to=NEW).exit_status == 3
    assert move(world, go_on=True).state == "moved"
    assert migrate_remote(world.services, READER, CAUSE, alias=second, to=NEW).state == "beside"
    assert migrate_remote(world.services, READER, CAUSE, alias=second, to=NEW, back=True).state == "rolled-back"
    assert clusters.settled() == {second: "certificate", NEW: "key"}


def test_two_moves_begun_at_the_same_moment_are_both_known(monkeypatch: pytest.MonkeyPatch) -> None:
    world, _ = made()
    site = world.services.site(READER)
    move(world)
    kept = all_under_way(site)[0]
    forget(site, OLD)
    others = [replace(kept, alias="dc3", to="dc3k")]
    ledger = type(world.ledger)
    saved, change = ledger.saved, ledger.change

    def once_another_began(of: Any) -> None:
        if others:
            keep(site, others.pop())

    def then_another(of: Any, deployment: str, name: str) -> Any:
        found = saved(of, deployment, name)
        if name == "migrations":
            once_another_began(of)
        return found

    def after_another(of: Any, *given: Any) -> None:
        once_another_began(of)
        change(of, *given)

    monkeypatch.setattr(ledger, "saved", then_another)
    monkeypatch.setattr(ledger, "change", after_another)
    keep(site, kept)
    assert {one.alias for one in all_under_way(site)} == {OLD, "dc3"}


def test_a_way_back_leaves_the_alias_that_was_read_before_it_began() -> None:
    world, clusters = made(watched=OLD)
    move(world)
    forget(world.services.site(READER), OLD)  # nobody knows any more that the other alias came with a move
    assert move(world).state == "beside"
    back = move(world, back=True)
    assert (back.state, back.left) == ("rolled-back", ())
    assert clusters.settled() == {OLD: "certificate", NEW: "key"}


@pytest.mark.parametrize("cut", [None, True, False])
def test_a_way_back_sets_the_other_alias_as_it_was(cut: bool | None) -> None:
    """Whoever read by it reads on: the address that the file says may be one that leads nowhere."""
    was = Connection(NEW, "balancer.example:9443", "sniff", True, ("second.example:9443",))
    world, clusters = made(answers=False)
    clusters.leads[NEW] = was
    with pytest.raises(PortcullisError):
        move(world)
    assert clusters.leads[NEW] == Connection(NEW, "logs.example:9443")
    if cut is not None:
        clusters.fails[clusters.calls + 1] = cut
        with pytest.raises(CutOff):
            move(world, back=True)
    back = move(world, back=True)
    assert (back.state, back.left, back.done) == ("rolled-back", (), (f"undone: {NEW} set as it was before the move",))
    assert clusters.leads[NEW] == was


def test_what_cannot_be_moved_is_refused_before_anything_is_done() -> None:
    for text, more, says in (
        (SECOND, {"leads": {}}, "has no remote cluster dc2"),
        (SAME, {"leads": {OLD: Connection(OLD, "logs.example:9443")}, "keys": {"k": _key()}, **_keyed()}, "already"),
        (reads(CERTIFICATE, OLD), {}, "declares no remote"),
    ):
        world, clusters = made(text, **more)  # type: ignore[arg-type]
        with pytest.raises(Refused, match=says):
            move(world)
        assert clusters.calls == 0
        assert remote_migration(world.services, READER, alias=OLD).exit_status == 3
    for asked in ({"way": Way.SECOND_ALIAS}, {"to": NEW}):
        with pytest.raises(BadInput, match="itself with a key"):
            move(made(SAME)[0], **asked)
    with pytest.raises(BadInput, match="not declared with a key"):
        move(made(reads(f"{CERTIFICATE}, other: {{deployment: logs, model: certificate}}", OLD))[0], to="other")


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (GIVER, NEW),
        ("bills", None),
    ],
)
def test_a_second_alias_is_one_of_the_same_cluster_and_a_host_may_be_that_of_several(
    other: str, found: str | None
) -> None:
    """Behind the host of both aliases are two clusters, of which one gives the key."""
    text = reads(f"{OLD}: {{deployment: {other}, model: certificate}}, {by_key(NEW)}", f"{OLD}, {NEW}")
    world, clusters = made(text)
    world.registered("bills", family="elasticsearch", place=Cluster("logs.example:443"))
    declare(world, "bills", HEAD.replace("NAME.example", "logs.example"))
    plan = remote_migration(world.services, READER, alias=OLD)
    assert (plan.to if plan.way is Way.SECOND_ALIAS and not plan.stops else None) == found
    if found is None:
        assert any("declares no remote" in one for one in plan.stops)
        with pytest.raises(BadInput, match="leads to another cluster than dc2"):
            move(world, to=NEW)
        assert clusters.calls == 0


def _key() -> Key:
    return Key("k", "n", "portcullis", {}, NOW, None)


def _keyed() -> dict[str, Any]:
    held = {"a": {OLD: "k"}, "b": {OLD: "k"}}
    return {"in_use": held, "on_disk": held}


@pytest.mark.parametrize("text", [SECOND, reads(by_key(NEW), NEW)], ids=["declared", "set by hand"])
def test_what_stands_half_way_for_a_day_is_told_once_and_no_more_when_it_ends(text: str) -> None:
    """Whether or not the file names the old alias, too: it was set long before there was a file."""
    world, _ = made(text)
    move(world)
    later = replace(world.services, now=lambda: NOW + timedelta(days=1))
    for site in (world.services.site(READER), later.site(READER), later.site(READER)):
        look_after_keys(site, CAUSE)
    told = [one for one in world.aws.told if one.name == "remote-half-moved"]
    assert ["both roads stand" in one.happened for one in told] == [True]
    move(world, go_on=True)
    look_after_keys(later.site(READER), CAUSE)
    assert world.ledger.saved(READER, "told#remote-half-moved") is None


# ---------------------------------------------------------------------- as a person types it


def test_what_a_person_types_shows_first_and_does_with_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world, clusters = made()

    def ask(verb: str, deployment: str | None = None, arguments: Any = None, *, command: str = "", **_: Any) -> Any:
        request = {"verb": verb, "deployment": deployment, "arguments": arguments, "cause": command, "actor": "anna"}
        return carry_out(world.services, request, alias=LOOK if verb == "remote-migration" else ACT)

    monkeypatch.setattr(asking, "ask", ask)

    def typed(line: str) -> tuple[int, str]:
        status = cli.main(f"remote migrate orders dc2 {line}".split())
        return status, "".join(capsys.readouterr())

    status, said = typed("")
    assert (status, clusters.calls, "nothing was done: --yes does it" in said) == (3, 0, True)
    status, said = typed("--plan --json")
    assert (status, json.loads(said)["to"], clusters.calls) == (0, NEW, 0)
    assert typed("--plan --rollback")[0] == 2
    assert typed("--rollback --yes")[0] == 1
    status, said = typed("--yes")
    assert (status, "both stand: dc2 by certificate, dc2k with the key k1" in said) == (0, True)
    assert (typed("--rollback")[0], clusters.settled()) == (3, {OLD: "certificate", NEW: "key"})
    assert "it waits: --continue" in typed("--plan")[1]
    status, said = typed("--rollback --yes --json")
    assert (status, json.loads(said)["state"], clusters.settled()) == (0, "rolled-back", {OLD: "certificate"})
    assert typed("--yes")[0] == 0
    status, said = typed("--continue --yes")
    assert (status, clusters.settled()) == (0, {NEW: "key"})
    assert "left to a person:" in said
    assert "hidden-4711" not in repr([one.summary for one in world.ledger.history(READER)])


def test_what_the_files_lack_is_printed_as_it_has_to_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The printed lines are taken as they stand: then nothing stops the move, and nobody with a role gains or loses."""
    world, _ = made(reads(CERTIFICATE, OLD))
    plan = remote_migration(world.services, READER, alias=OLD)
    assert plan.write is not None
    monkeypatch.setattr(asking, "ask", lambda *_, **__: asking_of(plan))
    assert cli.main(["remote", "migrate", "orders", "dc2", "--plan"]) == 3
    said = capsys.readouterr().out
    offers, remotes, role = (
        json.loads(line.partition(": ")[2])
        for line in said.splitlines()
        if line.startswith(("  offers", "  remotes", "  access"))
    )
    assert remotes["dc2-key"]["credential"] == offers["for-orders"]["secret"]
    whole = reads(f"{CERTIFICATE}, {json.dumps(remotes)[1:-1]}", OLD)
    whole = whole.replace(whole[whole.index("{reader:") : whole.index("\n  grants")], json.dumps({"reader": role}))
    world, _ = made(whole)
    declare(world, GIVER, HEAD + f"offers: {json.dumps(offers)}\n")
    again = remote_migration(world.services, READER, alias=OLD)
    assert (again.stops, again.to, again.exit_status) == ((), "dc2-key", 0)
    assert {one.who for one in again.moved} == {("every super user",)}


def asking_of(plan: Migration) -> Any:
    return msgspec.to_builtins(plan)
