"""A domain is connected to others as its file in force says, by whoever may act, and only while it is open."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from portcullis.custody.types import RevocationCause, State
from portcullis.errors import BadInput, Refused, Unreachable
from portcullis.operations.access.deployments import kept_model
from portcullis.operations.remotes.asking.checking import remote_check
from portcullis.operations.remotes.connecting import checked, connect_remotes
from portcullis.operations.services import Services, Trigger
from portcullis.remotes.connections import Connection, Connections

from tests.operations.remotes.test_migrating import READER
from tests.operations.remotes.test_migrating import made as a_cluster_that_reads
from tests.operations.worlds import Account, account, arn, model_text, place

ANN = Trigger("portcullis remote connect", arn("user", "ann"))
FAR, NEAR, OTHER = (f"arn:aws:es:eu-west-1:999999999999:domain/{name}" for name in ("far", "near", "other"))
NAMED = f"connections:\n  reads: {{far: {FAR}, near: {NEAR}}}\n  read_by: [{OTHER}]\n"
TEXT = model_text("  roles: {}\n")


@dataclass
class Amazon:
    """The DomainConnections protocol. `refuses`: an alias that cannot be asked for."""

    there: Connections = field(default_factory=Connections)
    refuses: str = ""

    def shown(self) -> Connections:
        return self.there

    def ask(self, alias: str, other: str) -> None:
        if alias == self.refuses:
            raise Refused(f"{other} could not be asked for as {alias}: LimitExceededException")
        made = Connection(f"out-{alias}", other, "PENDING_ACCEPTANCE", alias)
        self.there = replace(self.there, reads=(*self.there.reads, made))

    def accept(self, connection: Connection) -> None:
        self.there = replace(
            self.there,
            read_by=tuple(
                replace(one, status="ACTIVE") if one.id == connection.id else one for one in self.there.read_by
            ),
        )


@pytest.fixture
def made() -> tuple[Account, Services, Amazon]:
    whole = account()
    waiting = tuple(Connection(f"in-{one[-4:]}", one, "PENDING_ACCEPTANCE") for one in (OTHER, NEAR))
    amazon = Amazon(Connections(read_by=waiting))
    whole.registered(place=place())
    whole.ledger.keep_model("demo", kept_model(TEXT + NAMED, "demo.yaml"))
    return whole, replace(whole.services, connections=lambda _: amazon), amazon


def test_what_the_file_names_is_asked_for_and_accepted_and_nothing_else(made: tuple[Account, Services, Amazon]) -> None:
    whole, services, amazon = made
    found = connect_remotes(services, "demo", ANN)
    assert found.done == (f"asked for {FAR} as far", f"asked for {NEAR} as near", f"accepted {OTHER}")
    assert {one.other: one.status for one in amazon.there.read_by} == {OTHER: "ACTIVE", NEAR: "PENDING_ACCEPTANCE"}
    assert [one.weight for one in found.findings] == ["note", "note", "OK", "note"]
    assert found.exit_status == 0
    (record,) = [one for one in whole.ledger.history("demo") if one.operation == "connect"]
    assert (record.actor, record.summary, record.after) == (ANN.actor, "; ".join(found.done), list(found.done))


def test_asked_again_nothing_is_done_twice(made: tuple[Account, Services, Amazon]) -> None:
    whole, services, amazon = made
    connect_remotes(services, "demo", ANN)
    before = amazon.there
    assert connect_remotes(services, "demo", ANN).done == ()
    assert amazon.there == before
    assert len([one for one in whole.ledger.history("demo") if one.operation == "connect"]) == 1


def test_one_that_is_refused_is_said_and_what_was_done_is_recorded(made: tuple[Account, Services, Amazon]) -> None:
    whole, services, amazon = made
    amazon.refuses = "near"
    with pytest.raises(Refused, match="LimitExceeded"):
        connect_remotes(services, "demo", ANN)
    (record,) = [one for one in whole.ledger.history("demo") if one.operation == "connect"]
    assert record.summary == f"asked for {FAR} as far"
    amazon.refuses = ""
    assert connect_remotes(services, "demo", ANN).done == (f"asked for {NEAR} as near", f"accepted {OTHER}")


@pytest.mark.parametrize("state", [State.LOCKING, State.LOCKED, State.UNLOCKING])
def test_nobody_is_let_in_while_it_is_locked(made: tuple[Account, Services, Amazon], state: State) -> None:
    whole, services, amazon = made
    custody = whole.ledger.custody("demo")
    whole.ledger.keep_custody(replace(custody, state=state, cause=RevocationCause.DISABLED))
    before = amazon.there
    with pytest.raises(Refused, match=f"is {state.value}"):
        connect_remotes(services, "demo", ANN)
    assert amazon.there == before


def test_connections_that_cannot_be_looked_at_are_not_known(made: tuple[Account, Services, Amazon]) -> None:
    _, services, amazon = made

    def silent() -> Connections:
        raise Unreachable("no answer")

    amazon.shown = silent  # type: ignore[method-assign]
    (finding,) = checked(services.site("demo"))
    assert (finding.alias, finding.weight, finding.code, finding.says) == ("", "unknown", "not-looked-at", "no answer")


def test_what_is_no_domain_has_no_connections() -> None:
    world, _ = a_cluster_that_reads()
    with pytest.raises(Refused, match="orders is no domain"):
        connect_remotes(world.services, READER, ANN)


def test_check_says_what_is_right_and_wrong_of_a_domain(made: tuple[Account, Services, Amazon]) -> None:
    _, services, amazon = made
    found = remote_check(services, "demo")
    assert [one.code for one in found.findings] == ["not-connected", "not-connected", "to-accept", "not-declared"]
    assert found.exit_status == 3
    assert {one.alias for one in remote_check(services, "demo", alias="far").findings} == {"far"}
    with pytest.raises(BadInput, match="is a domain, and reads none as 'nope'"):
        remote_check(services, "demo", alias="nope")
    assert amazon.there.reads == ()


def test_check_looks_at_both_domains_of_a_connection(made: tuple[Account, Services, Amazon]) -> None:
    """A domain that is connected to itself, and by an alias whose refusals are left out."""
    whole, services, amazon = made
    own = whole.services.site("demo").registration.domain
    assert own is not None
    reads = (
        Connection("1", own.arn, "ACTIVE", "self"),
        Connection("2", own.arn, "ACTIVE", "skips", skip_unavailable=True),
        Connection("3", FAR, "ACTIVE", "far"),
        Connection("4", NEAR, "PENDING_ACCEPTANCE", "near"),
    )
    amazon.there = Connections(reads=reads)

    def codes(alias: str) -> set[tuple[str, str]]:
        return {(one.weight, one.code) for one in remote_check(services, "demo", alias=alias).findings}

    same = {("OK", "releases"), ("OK", "role-sent"), ("OK", "called-as-certificate"), ("wrong", "not-declared")}
    assert codes("self") == same
    assert codes("skips") == {*same, ("note", "refusals-hidden")}
    assert codes("far") == {("OK", "connected"), ("OK", "called-as-certificate"), ("unknown", "not-looked-at")}
    assert codes("near") == {("note", "asked-for")}
    custody = whole.ledger.custody("demo")
    whole.ledger.keep_custody(replace(custody, state=State.LOCKED, cause=RevocationCause.DISABLED))
    locked = remote_check(services, "demo", alias="self").findings
    assert ("unknown", True) in {(one.weight, "demo is locked" in one.says) for one in locked}
    assert "role-sent" not in {one.code for one in locked}
    every = remote_check(services, "demo").findings
    order = [one.alias for one in every]
    assert order == sorted(order, key=order.index)  # what is of an alias stands together
