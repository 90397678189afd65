"""A move from certificates to a key, planned: what is moved to what, what stands in its way, who gains and loses, what the files lack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from portcullis import model
from portcullis.access.plan import Subject, SubjectKind
from portcullis.errors import BadInput, PortcullisError, Refused, Unreachable
from portcullis.operations.remotes.moving.kept import under_way
from portcullis.operations.remotes.moving.planning import Migration, remote_migration
from portcullis.operations.remotes.sweeping import look_after_keys
from portcullis.ports.engine import Names
from portcullis.ports.registration import Cluster
from portcullis.ports.remotes import Connection
from portcullis.remotes.facts import Licence
from portcullis.remotes.gains import Effect
from portcullis.remotes.moving import Stage, Way

from tests.operations.agreeing import CAUSE
from tests.operations.remotes.test_migrating import (
    CERTIFICATE,
    GIVER,
    GIVES,
    HEAD,
    NEW,
    NOW,
    OLD,
    READER,
    SAME,
    SECOND,
    SECRET,
    Clusters,
    Engine,
    by_key,
    declare,
    made,
    move,
    reads,
)
from tests.operations.worlds import POOL, Account

BY_NAME = f"{NEW}: {{address: 'logs.example:9443', credential: {SECRET}, allows: {{search: [{{names: ['logs-*']}}]}}}}"


def plan(world: Account, **more: Any) -> Migration:
    return remote_migration(world.services, READER, alias=OLD, **more)


def also(world: Account, name: str, file: str = HEAD, host: str = "") -> None:
    """Another cluster of the account."""
    world.registered(name, family="elasticsearch", place=Cluster(f"{host or name}.example:443"))
    declare(world, name, file.replace("NAME.example", f"{host or name}.example"))


def says(error: BadInput) -> tuple[str, str]:
    return error.place, str(error)


def with_engines(world: Account, **changed: Callable[[Engine], object]) -> None:
    engine = world.services.engine

    def of(registration: Any) -> Any:
        one = engine(registration)
        changed.get(registration.deployment, lambda _: None)(one)  # type: ignore[arg-type]
        return one

    world.services = replace(world.services, engine=of)


def silent(*_: Any) -> Any:
    raise Unreachable("it did not answer")


# ---------------------------------------------------------------------- what is moved to what


@pytest.mark.parametrize(
    ("text", "asked", "place", "words"),
    [
        (SAME, {"way": Way.SECOND_ALIAS}, "way", "declares dc2 itself with a key"),
        (SAME, {"to": NEW}, "way", "declares dc2 itself with a key"),
        (SECOND, {"way": Way.SAME_ALIAS, "to": NEW}, "to", "same-alias keeps the alias dc2"),
        (SECOND, {"to": OLD}, "to", "dc2 is not declared with a key"),
        (SECOND, {"way": "sideways"}, "way", "there is no way 'sideways'"),
        (reads(f"{CERTIFICATE}, {by_key(NEW)}, {by_key('dc3')}", OLD), {}, "to", "dc2 could be moved to dc2k or dc3"),
    ],
)
def test_what_can_never_be_is_bad_input_that_says_what_can(
    text: str, asked: dict[str, str], place: str, words: str
) -> None:
    world, _ = made(text)
    with pytest.raises(BadInput, match=words) as found:
        plan(world, **asked)
    assert (found.value.source, found.value.place, bool(found.value.remedy)) == ("request", place, True)


@pytest.mark.parametrize(
    ("text", "asked", "way", "to"),
    [
        (SAME, {}, Way.SAME_ALIAS, OLD),
        (SAME, {"way": Way.SAME_ALIAS, "to": OLD}, Way.SAME_ALIAS, OLD),
        (SECOND, {}, Way.SECOND_ALIAS, NEW),
        (SECOND, {"way": Way.SECOND_ALIAS, "to": NEW}, Way.SECOND_ALIAS, NEW),
        (reads(f"{CERTIFICATE}, {by_key(NEW)}, {by_key('dc3')}", f"{OLD}, {NEW}"), {"to": NEW}, Way.SECOND_ALIAS, NEW),
        (reads(f"{CERTIFICATE}, {BY_NAME}", f"{OLD}, {NEW}"), {}, Way.SECOND_ALIAS, NEW),
    ],
)
def test_the_file_says_the_way_and_what_is_asked_for_may_say_it_again(
    text: str, asked: dict[str, str], way: Way, to: str
) -> None:
    world, _ = made(text)
    found = plan(world, **asked)
    assert (found.way, found.to, found.other, found.write, found.exit_status) == (way, to, GIVER, None, 0)


@pytest.mark.parametrize(
    ("set_", "to"),
    [
        (Connection(OLD, "logs.example:9300"), NEW),
        (Connection(OLD, "logs.example:9301", "sniff", more=("logs-2.example:9300",)), NEW),
        (Connection(OLD, "bills.example:9300"), ""),
        (None, ""),
    ],
)
def test_an_alias_that_no_file_names_is_moved_to_what_is_on_the_same_host(set_: Connection | None, to: str) -> None:
    """As long as nobody says which: `--to` is a person's word."""
    world, _ = made(reads(by_key(NEW), NEW), leads={OLD: set_} if set_ else {})
    assert plan(world).to == to
    assert plan(world, to=NEW).to == NEW


def test_what_is_read_with_the_key_of_another_cluster_is_nothing_to_move_to() -> None:
    """By whose key an alias is read tells where it leads, whatever its address."""
    theirs = BY_NAME.replace(SECRET, "remotes/bills")
    world, _ = made(reads(f"{CERTIFICATE}, {theirs}", f"{OLD}, {NEW}"))
    assert plan(world).to == NEW, "nobody of this account gives that key: the host is the same"
    also(world, "bills", GIVES.replace(SECRET, "remotes/bills"))
    assert plan(world).to == ""
    with pytest.raises(BadInput, match="dc2k leads to another cluster than dc2"):
        plan(world, to=NEW)


def test_a_remote_of_a_cluster_that_is_not_deployed_here_stops_no_move_of_another() -> None:
    nowhere = "far: {deployment: nowhere, credential: remotes/far, allows: {search: [{names: ['*']}]}}"
    world, _ = made(reads(f"{by_key(NEW)}, {nowhere}", f"{NEW}, far"))
    assert (plan(world).to, plan(world).exit_status) == (NEW, 0)
    assert plan(made(reads(nowhere, "far"), leads={})[0]).to == "", (
        "two of which nobody knows where they are may be any"
    )
    with pytest.raises(Refused, match="nowhere is not deployed here: where it listens is not known; give its address"):
        plan(world, to="far")


def test_the_new_road_is_set_as_the_file_declares_it() -> None:
    more = by_key(NEW).replace("credential", "mode: sniff, skip_unavailable: true, credential")
    for declared, expected in (
        (by_key(NEW), Connection(NEW, "logs.example:9443")),
        (more, Connection(NEW, "logs.example:9443", "sniff", True)),
        (BY_NAME.replace(":9443", ":19443"), Connection(NEW, "logs.example:19443")),
    ):
        world, clusters = made(reads(f"{CERTIFICATE}, {declared}", f"{OLD}, {NEW}"))
        move(world)
        assert clusters.leads[NEW] == expected


def test_the_way_back_sets_an_alias_as_it_was_found() -> None:
    was = Connection(OLD, "logs.example:9300", "sniff", True, ("logs-2.example:9300",))
    world, clusters = made(SAME, leads={OLD: was})
    move(world)
    assert clusters.leads[OLD] == Connection(OLD, "logs.example:9443")
    move(world, back=True)
    assert clusters.leads[OLD] == was


def test_a_domain_has_no_remote_cluster_to_move() -> None:
    world, _ = made()
    world.registered("demo", family="opensearch")
    declare(world, "demo", "deployment: NAME\nengine: OpenSearch_3.3\ndomain: {configuration: api}\n")
    with pytest.raises(Refused, match="demo is no Elasticsearch cluster"):
        remote_migration(world.services, "demo", alias=OLD)


# ---------------------------------------------------------------------- what stands in its way


def found_by(**clusters: Any) -> tuple[str, ...]:
    text = clusters.pop("text", SECOND)
    world, _ = made(text, **clusters)
    found = plan(world)
    assert found.exit_status == (3 if found.stops else 0)
    return found.stops


KEYED: dict[str, Any] = {"in_use": {"a": {OLD: "k"}, "b": {OLD: "k"}}}


def test_how_the_aliases_are_set_may_stand_in_the_way() -> None:
    old, by_port = Connection(OLD, "logs.example:9300"), Connection(NEW, "logs.example:9300")
    assert found_by() == ()
    assert found_by(leads={}) == (f"{READER} has no remote cluster {OLD}",)
    assert found_by(leads={OLD: Connection(OLD, "logs.example:9443")}, **KEYED) == (
        f"{OLD} is read with a key already",
    )
    assert found_by(leads={OLD: old, NEW: by_port}) == (f"{NEW} is set already, and read by certificate",)
    assert found_by(leads={OLD: old, NEW: by_port}, text=SAME) == (), "what else there is does not matter"
    assert found_by(leads={OLD: old, NEW: Connection(NEW, "logs.example:9443")}) == (), "set, and not connected"
    keyed = {"in_use": {"a": {NEW: "k"}, "b": {NEW: "k"}}, "keys": {"k": _key()}}
    assert found_by(leads={OLD: old, NEW: Connection(NEW, "logs.example:9443")}, **keyed) == (), "read with a key"


def _key() -> Any:
    from portcullis.remotes.keys import Key

    return Key("k", "n", "portcullis", {}, NOW, None)


def test_a_keystore_that_nobody_here_can_write_stands_in_the_way_of_the_same_alias_alone() -> None:
    assert found_by(text=SAME, writable=frozenset()) == (
        "nobody here can write the keystore of a, b: move it by a second alias",
    )
    assert found_by(text=SECOND, writable=frozenset()) == ()


def test_what_is_on_its_way_is_not_looked_at_as_if_it_were_to_begin() -> None:
    """After the switch the alias is read with a key, as it should be."""
    world, _ = made(SAME)
    move(world)
    assert plan(world).stops == ()


def test_release_and_licence_of_both_sides_are_looked_at_and_what_does_not_answer_is_said() -> None:
    world, clusters = made()

    class Old(Clusters):
        def releases(self) -> tuple[str, ...]:
            return ("8.9.0",)

        def licence(self) -> Licence:
            return Licence("basic")

    old = Old(leads=clusters.leads)
    asked = world.services.remotes
    for name in (READER, GIVER):
        world.services = replace(
            world.services, remotes=lambda of, name=name: old if of.deployment == name else asked(of)
        )  # type: ignore[misc]
        assert [one.partition(" ")[0] for one in plan(world).stops] == [name, name]
        assert "runs 8.9.0" in plan(world).stops[0]
    world, clusters = made()
    clusters.releases = silent  # type: ignore[method-assign]
    found = plan(world)
    assert found.stops == ()
    assert found.notes[:2] == tuple(
        f"release and licence of {name} could not be looked at: it did not answer" for name in (READER, GIVER)
    )


def test_what_nobody_here_can_look_at_is_said() -> None:
    world, _ = made(reads(f"{CERTIFICATE}, {BY_NAME}".replace(SECRET, "remotes/theirs"), f"{OLD}, {NEW}"))
    found = plan(world)
    assert found.other == ""
    assert (
        found.notes[0]
        == f"whoever gives the key of {NEW} is not deployed here: its roles and its key were not looked at"
    )
    assert {one.before for one in found.moved} == {"not known"}
    assert {one.after for one in found.moved if one.index == "logs-*"} == {"all of it"}, "as agreed in the file"
    assert not any("runs" in one for one in found.stops)


def test_roles_and_indices_over_there_that_do_not_answer_are_not_known() -> None:
    world, _ = made()

    def mute(engine: Engine) -> None:
        engine.read = silent  # type: ignore[method-assign]
        engine.names = silent  # type: ignore[method-assign]

    with_engines(world, logs=mute)
    found = plan(world)
    assert [
        f"the {what} of {GIVER} could not be looked at: it did not answer" for what in ("roles", "indices")
    ] == list(found.notes[:2])
    assert {one.effect for one in found.moved} == {Effect.UNKNOWN}
    assert (found.kept, "hr" in {one.index for one in found.moved}) == (0, False)


def test_only_by_a_second_alias_is_everything_there_twice() -> None:
    twice = f"whoever searches *:INDEX asks {OLD} and {NEW} while both stand, and has each document twice"
    assert plan(made()[0]).notes == (twice,)
    assert plan(made(SAME)[0]).notes == ()


def test_groups_are_asked_only_where_the_engine_does_not_tell_who_has_which_role() -> None:
    world, _ = made()
    world.people.hidden = {Subject(SubjectKind.COGNITO_GROUP, "readers"): "not ours to read"}
    assert [one for one in plan(world).notes if "could not be read" in one] == []


def test_names_that_are_more_than_can_be_compared_are_said_to_be() -> None:
    world, _ = made()
    with_engines(world, logs=lambda engine: setattr(engine, "names", lambda: Names(tuple(f"i{n}" for n in range(99)))))
    assert plan(world).notes[0] == "1 name of indices and patterns more than can be compared: nothing is known of them"


# ---------------------------------------------------------------------- who gains and who loses


def test_who_gains_what_no_file_gives_and_who_loses_what_the_file_gives_stop_it() -> None:
    """A role made by hand on the engine that names the new alias; one of the engine that lacks what the file gives."""
    world, _ = made()
    wide = {"remote_indices": [{"clusters": ["*"], "names": ["*"], "privileges": ["read"]}]}

    def by_hand(engine: Engine) -> None:
        engine.roles.update(by_hand=wide, reader={"indices": []})
        engine.users.update({name: {"roles": ["by_hand"]} for name in ("ben", "carl", "dora", "emil")})

    with_engines(world, orders=by_hand)
    found = plan(world)
    assert found.stops[::-1] == (
        f"ben, carl, dora would read all of it of logs-* through {NEW}, which no file gives the role by_hand: take it from the role, or "
        f"declare it",
        f"anna would read nothing of logs-* through {NEW}, and the file gives the role reader more: the engine has another one; "
        f"portcullis plan {READER}",
    )
    assert {
        one.who: one.undeclared for one in found.moved if one.index == "logs-*" and one.effect is not Effect.KEEPS
    } == {
        ("ben", "carl", "dora", "emil"): True,
        ("anna",): False,
    }
    with pytest.raises(Refused, match="which no file gives the role by_hand"):
        move(world)
    assert under_way(world.services.site(READER), OLD) is None


def test_a_person_of_a_realm_has_the_roles_of_all_their_groups() -> None:
    """An engine that knows people by their tokens tells nobody who they are: the groups do."""
    world, _ = made()
    declare(world, GIVER, GIVES.replace("['logs-*']", "['logs-*', hr]"))
    kept = world.ledger.model(READER)
    readers, writers = (Subject(SubjectKind.COGNITO_GROUP, one) for one in ("readers", "writers"))
    people = model.resolve(model.loads(SECOND.replace("NAME", READER), "orders")).people
    assert people is not None
    grant = kept.access.grants[0]
    access = replace(
        kept.access,
        people=replace(people, realm="portcullis"),
        grants=(grant, replace(grant, subject=writers, role="writer")),
        roles={
            **kept.access.roles,
            "writer": {"remote_indices": [{"clusters": [NEW], "names": ["hr"], "privileges": ["read"]}]},
        },
    )
    world.ledger.keep_model(READER, replace(kept, access=access))
    anna, ben = f"Cognito/{POOL}/anna", f"Cognito/{POOL}/ben"
    world.people.groups = {readers: (anna, ben), writers: (anna,)}
    with_engines(world, orders=lambda engine: engine.roles.update(writer=access.roles["writer"]))
    found = plan(world)
    gains = {one.who for one in found.moved if one.index == "hr" and one.gains}
    assert {who for whos in gains for who in whos} >= {"anna", str(writers)}
    assert not any("ben" in who for who in gains)
    world.people.hidden = {writers: "not ours to read"}
    again = plan(world)
    assert f"{writers} could not be read: not ours to read" in again.notes
    assert "anna" not in {who for one in again.moved if one.index == "hr" and one.gains for who in one.who}


# ---------------------------------------------------------------------- how far it came


def test_a_plan_shows_each_step_and_how_far_it_came() -> None:
    world, clusters = made()
    found = plan(world)
    order = [*Stage]
    order.remove(Stage.SWITCH)
    assert [one.stage for one in found.steps] == order
    assert [one.back for one in found.steps] == [True] * 5 + [False]
    assert (found.stage, found.waits, [one.done for one in found.steps]) == ("", False, [False] * 6)
    assert {one.index: one.effect for one in found.moved} == {"any other index": Effect.LOSES, "hr": Effect.LOSES}
    assert (found.kept, found.deployment, found.alias) == (4, READER, OLD)
    assert found.steps[2].says == f"{NEW} set beside {OLD}"
    assert [one.checks for one in found.steps][3] == ("by id",)
    clusters.answers = False
    with pytest.raises(PortcullisError):
        move(world)
    found = plan(world)
    assert (found.stage, found.waits, [one.done for one in found.steps]) == ("seen", False, [True] * 3 + [False] * 3)
    clusters.answers = True
    move(world)
    found = plan(world)
    assert (found.stage, found.waits, [one.done for one in found.steps]) == ("tried", True, [True] * 5 + [False])
    declare(world, READER, SECOND.replace(f", {by_key(NEW)}", f", {by_key(NEW)}, {by_key('dc3')}"))
    assert plan(world).to == NEW, "once it is begun, what it is moved to is known"


def test_what_is_left_to_a_person_is_said_before() -> None:
    world, _ = made()
    assert [one.what for one in plan(world).left] == [
        f"{READER}: the file declares {OLD} still",
        f"{GIVER}: the role reader gives by its name what certificates were let in for",
        f"{GIVER}: its nodes trust the certificates of {READER} still, and could be read so again",
    ]
    assert plan(world).left[1].how == "no file declares it"
    roles = "access: {roles: {reader: {indices: [{names: ['logs-*'], privileges: [read]}]}}}\n"
    declare(world, GIVER, GIVES + roles)
    assert plan(world).left[1].how == f"take it out of the file, and apply it: portcullis apply {GIVER}"
    assert [one.what.partition(":")[0] for one in plan(made(SAME)[0]).left] == [GIVER, GIVER]
    world, _ = made(reads(f"{CERTIFICATE}, {BY_NAME}".replace(SECRET, "remotes/theirs"), f"{OLD}, {NEW}"))
    assert [one.what.partition(":")[0] for one in plan(world).left] == [READER, "the other cluster"]


# ---------------------------------------------------------------------- what the files lack


@pytest.mark.parametrize(
    ("asked", "to"),
    [
        ({}, "dc2-key"),
        ({"way": Way.SECOND_ALIAS}, "dc2-key"),
        ({"to": "other"}, "other"),
        ({"way": Way.SAME_ALIAS}, OLD),
    ],
)
def test_what_both_files_lack_is_said_for_the_way_that_is_asked_for(asked: dict[str, str], to: str) -> None:
    world, _ = made(reads(CERTIFICATE, OLD))
    found = plan(world, **asked)
    assert (found.exit_status, found.to, found.other, found.steps) == (3, asked.get("to", ""), GIVER, ())
    assert (found.stage, found.waits, found.kept, found.moved, found.left) == ("", False, 0, (), ())
    assert found.stops == (
        f"the file of {READER} declares no remote that is read with a key, and that {OLD} could be moved to",
    )
    search = [{"names": ["logs-*"]}]
    wanted = found.write
    assert wanted is not None
    assert (wanted.reader, wanted.giver) == (READER, GIVER)
    secret = f"remotes/{READER}-{to}"
    assert wanted.remote == {to: {"deployment": GIVER, "credential": secret, "allows": {"search": search}}}
    assert wanted.offer == {f"for-{READER}": {"search": search, "secret": secret}}
    assert wanted.roles == {"reader": [{"clusters": [to], "privileges": ["read"], "names": ["logs-*"]}]}


@pytest.mark.parametrize(
    ("remotes", "giver"),
    [
        (f"{OLD}: {{address: 'logs.example:9300', model: certificate}}", ""),
        (f"{OLD}: {{deployment: nowhere, model: certificate}}", "nowhere"),
        ("", ""),
    ],
)
def test_of_a_cluster_that_is_not_deployed_here_no_line_is_made_up(remotes: str, giver: str) -> None:
    world, _ = made(reads(remotes, OLD))
    wanted = plan(world).write
    assert wanted is not None
    assert (wanted.reader, wanted.giver, wanted.remote, wanted.offer, wanted.roles) == (READER, giver, {}, {}, {})


def test_where_nobody_is_let_in_or_it_could_not_be_looked_at_no_line_is_made_up() -> None:
    for change, note in (
        (lambda engine: setattr(engine, "roles", {}), ()),
        (
            lambda engine: setattr(engine, "read", silent),
            (f"the roles of {GIVER} could not be looked at: it did not answer",),
        ),
    ):
        world, _ = made(reads(CERTIFICATE, OLD))
        with_engines(world, logs=change)
        found = plan(world)
        assert found.notes == note
        assert found.write is not None
        assert (found.write.giver, found.write.remote, found.write.offer, found.write.roles) == (GIVER, {}, {}, {})


# ---------------------------------------------------------------------- what the sweep tells


def test_what_is_declared_with_a_key_and_read_by_certificate_is_told_with_all_else() -> None:
    world, clusters = made(SAME)

    def told(at: timedelta = timedelta()) -> list[str]:
        before = len(world.aws.told)
        look_after_keys(replace(world.services, now=lambda: NOW + at).site(READER), CAUSE)
        return [one.happened for one in world.aws.told[before:] if one.name == "remote-half-moved"]

    clusters.secret = clusters.make(next(iter(_offers(world))))
    by_certificate = (
        f"a remote cluster stands between two models: {OLD} is declared with a key, and is read by certificate"
    )
    assert told() == [by_certificate]
    assert told() == []
    move(world)
    assert told() == []
    assert world.ledger.saved(READER, "told#remote-half-moved") is None
    move(world, back=True)
    assert told() == [by_certificate]
    two = reads(f"{by_key(OLD)}, {by_key('dc3')}, bills: {{address: 'x.example:9300', model: certificate}}", OLD)
    declare(world, READER, two)
    clusters.leads |= {"dc3": Connection("dc3", "logs.example:9300"), "bills": Connection("bills", "x.example:9300")}
    assert told() == [f"{by_certificate}; dc3 is declared with a key, and is read by certificate"]


def _offers(world: Account) -> Any:
    from portcullis.operations.remotes.keys.agreed import offers_of
    from portcullis.operations.remotes.keys.tending import options_of

    return offers_of(GIVER, options_of(world.services.site(GIVER)).offers)
