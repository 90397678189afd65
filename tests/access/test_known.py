"""Who stands behind a name, from one look to the next."""

from __future__ import annotations

import pytest
from portcullis.access.known import Known, Recognised, accepted, names_of, recognise
from portcullis.access.plan import By, Grant, Membership, Subject, SubjectKind
from portcullis.errors import NotAllowed, Refused, Unreachable

SUPPORT = Subject(SubjectKind.COGNITO_GROUP, "support")
OPS = Subject(SubjectKind.IAM_GROUP, "ops")
RITA = Subject(SubjectKind.IAM_USER, "rita")
ANNA = "Cognito/pool/anna"
KIM = "arn:aws:iam::1:user/kim"
RITA_ARN = "arn:aws:iam::1:user/rita"
TOKEN_ROLE = "arn:aws:iam::1:role/support"
THROTTLED = Unreachable("throttled")


def look(
    found: Membership, known: Known | None = None, *subjects: Subject, by: By = By.MEMBERS, counts: bool = True
) -> Recognised:
    grants = [Grant(subject, "readers", "g", by) for subject in subjects or (SUPPORT, OPS)]
    return recognise(grants, found, known or Known(), last_look_counts=counts)


BOTH_READ = Membership({SUPPORT: (ANNA,), OPS: (KIM,)}, ids={ANNA: "sub-anna", KIM: "AIDAKIM"})
ONE_READ = Membership({OPS: (KIM,)}, ids={KIM: "AIDAKIM"}, unread={SUPPORT: THROTTLED})


def test_members_of_an_unreadable_group_stay_in_look_after_look() -> None:
    """Once it could be read. However often it cannot be read after that, its members are those of the last time it could."""
    known = look(BOTH_READ).known
    for _ in range(3):
        found = look(ONE_READ, known)
        assert found.members.users == {SUPPORT: (ANNA,), OPS: (KIM,)}
        assert found.members.unread == {}
        assert found.unread == (
            "cognito_group:support could not be read (throttled): the 1 who were in at the last look stay in, and nobody joins",
        )
        known = found.known
    assert known.seen["cognito_group:support"] == {ANNA: "sub-anna"}


def test_after_a_lock_nobody_of_an_unreadable_group_is_let_in() -> None:
    found = look(ONE_READ, look(BOTH_READ).known, counts=False)
    assert found.members.users == {SUPPORT: (), OPS: (KIM,)}
    assert found.unread == ("cognito_group:support could not be read (throttled): nobody of it is let in",)


def test_an_unreadable_group_before_the_first_look_stays_unread() -> None:
    """Nobody was ever looked at, so that nothing is known of who is in: it is neither an empty group nor told as one."""
    found = look(ONE_READ)
    assert found.members.users == {OPS: (KIM,)}
    assert found.members.unread == {SUPPORT: THROTTLED}
    assert found.unread == ()
    assert "cognito_group:support" not in found.known.seen


def test_after_a_lock_nobody_stays_unread_though_nobody_was_ever_looked_at() -> None:
    found = look(Membership({OPS: (KIM,)}, unread={SUPPORT: THROTTLED}), counts=False)
    assert (found.members.users, found.members.unread) == ({OPS: (KIM,), SUPPORT: ()}, {})
    assert len(found.unread) == 1


NOT_ALLOWED = NotAllowed("not allowed to read it", action="iam:GetUser")


def test_who_is_new_in_the_file_and_may_not_be_read_is_known_after_deploy() -> None:
    """Look after look; and once they were read, that they may not be any more is a fault like any other."""
    known = look(BOTH_READ).known
    later = Membership({SUPPORT: (ANNA,), OPS: (KIM,)}, ids=BOTH_READ.ids, unread={RITA: NOT_ALLOWED})
    for _ in range(2):
        found = look(later, known, SUPPORT, OPS, RITA)
        assert found.members.users == {SUPPORT: (ANNA,), OPS: (KIM,), RITA: ()}
        assert (found.members.unread, found.unread) == ({}, ())
        assert found.later == found.members.notes
        [said] = found.later
        assert said.startswith("iam_user:rita is known after deploy, and granted nothing until then")
        assert "cdk deploy (iam:GetUser is not allowed)" in said
        known = found.known
    read = Membership({**BOTH_READ.users, RITA: (RITA_ARN,)}, ids={**BOTH_READ.ids, RITA_ARN: "AIDARITA"})
    known = look(read, known, SUPPORT, OPS, RITA).known
    found = look(later, known, SUPPORT, OPS, RITA)
    assert found.later == ()
    assert found.members.users[RITA] == (RITA_ARN,)
    assert "iam_user:rita could not be read" in found.unread[0]


@pytest.mark.parametrize("why", [Refused("an explicit deny"), THROTTLED])
def test_who_is_new_and_is_denied_or_not_answered_for_is_no_work_of_a_deploy(why: Refused | Unreachable) -> None:
    later = Membership({SUPPORT: (ANNA,)}, ids=BOTH_READ.ids, unread={RITA: why})
    found = look(later, look(BOTH_READ).known, SUPPORT, RITA)
    assert found.later == ()
    assert "iam_user:rita could not be read" in found.unread[0]


def test_before_the_first_look_nobody_is_taken_for_new_in_the_file() -> None:
    """What the engine holds of them may be ours: it stays."""
    found = look(Membership(unread={RITA: NOT_ALLOWED}), None, RITA)
    assert (found.members.unread, found.later) == ({RITA: NOT_ALLOWED}, ())


def test_a_group_whose_role_is_known_needs_no_last_look_for_it() -> None:
    """Of a group, the role of its tokens was found and its members were not: by role, what was found now counts."""
    before = look(Membership(backend_roles={SUPPORT: ("arn:aws:iam::1:role/old",)}), None, SUPPORT, by=By.ROLE).known
    now = Membership(backend_roles={SUPPORT: (TOKEN_ROLE,)}, unread={SUPPORT: THROTTLED})
    found = look(now, before, SUPPORT, by=By.ROLE)
    assert found.members.backend_roles == {SUPPORT: (TOKEN_ROLE,)}
    assert found.unread == ()


def test_nothing_is_remembered_of_a_group_that_does_not_exist() -> None:
    """Also where its role is still named by the deployment."""
    gone = Membership(backend_roles={SUPPORT: (TOKEN_ROLE,)}, missing=frozenset({SUPPORT}))
    assert look(gone, None, SUPPORT, by=By.ROLE).known.seen == {}


def somebody_else() -> Recognised:
    known = look(Membership({RITA: (RITA_ARN,)}, ids={RITA_ARN: "AIDAOLD"}), None, RITA).known
    return look(Membership({RITA: (RITA_ARN,)}, ids={RITA_ARN: "AIDANEW"}), known, RITA)


def test_whoever_has_a_granted_name_under_another_id_is_taken_out() -> None:
    found = somebody_else()
    assert found.members.users == {RITA: ()}
    assert found.strangers == (f"{RITA_ARN} of iam_user:rita is somebody else now: AIDANEW, and granted was AIDAOLD",)
    assert names_of(found.known) == ("iam_user:rita",)


@pytest.mark.parametrize("called", ["iam_user:rita", "rita"])
def test_whoever_is_accepted_is_in_and_waits_no_longer(called: str) -> None:
    known, said = accepted(somebody_else().known, called)
    assert said == ("iam_user:rita: AIDANEW, and no longer AIDAOLD",)
    assert names_of(known) == ()
    again = look(Membership({RITA: (RITA_ARN,)}, ids={RITA_ARN: "AIDANEW"}), known, RITA)
    assert (again.members.users, again.strangers) == ({RITA: (RITA_ARN,)}, ())


def test_accepting_a_name_lets_in_nobody_else() -> None:
    before = somebody_else().known
    assert accepted(before, "kim") == (before, ())


@pytest.mark.parametrize("subject", [SUPPORT, OPS])
def test_another_member_under_the_same_name_is_in_and_told(subject: Subject) -> None:
    """To be put into a group is a decision. That they are not who was in before is said all the same, also after a time outside."""
    one, other, nobody = (
        Membership({subject: (KIM,)}, ids={KIM: "AIDAOLD"}),
        Membership({subject: (KIM,)}, ids={KIM: "AIDANEW"}),
        Membership({subject: ()}),
    )
    for way in ((one, other), (one, nobody, other)):
        known, found = Known(), None
        for found_now in way:
            found = look(found_now, known, subject)
            known = found.known
        assert found is not None
        assert found.members.users == {subject: (KIM,)}
        assert found.renewed == (
            f"{KIM} is somebody else than the member of that name before (AIDAOLD), and in as a member: AIDANEW",
        )
    assert look(other, known, subject).renewed == ()


def test_whoever_is_not_accepted_waits_also_while_nothing_can_be_read() -> None:
    """Somebody granted directly, and the role of a group's tokens."""
    old, new = ({TOKEN_ROLE: number} for number in ("AROAOLD", "AROANEW"))
    both = {SUPPORT: (TOKEN_ROLE,)}
    by_role = look(Membership(backend_roles=both, ids=old), None, SUPPORT, by=By.ROLE).known
    by_role = look(Membership(backend_roles=both, ids=new), by_role, SUPPORT, by=By.ROLE).known
    assert names_of(by_role) == ("cognito_group:support",)
    unread = look(Membership(unread={SUPPORT: THROTTLED}), by_role, SUPPORT, by=By.ROLE)
    assert names_of(unread.known) == ("cognito_group:support",)
    directly = look(Membership(unread={RITA: THROTTLED}), somebody_else().known, RITA)
    assert names_of(directly.known) == ("iam_user:rita",)


def test_members_who_are_somebody_else_are_told_in_order() -> None:
    names = ("kim", "anna", "lee", "ben")
    first = look(Membership({OPS: names}, ids=dict.fromkeys(names, "AIDAOLD")), None, OPS).known
    found = look(Membership({OPS: names}, ids=dict.fromkeys(names, "AIDANEW")), first, OPS)
    assert [line.split()[0] for line in found.renewed] == sorted(names)


LEE, ALL_OF_IT = Subject(SubjectKind.IAM_USER, "lee"), {"iam_user:zoe": {"arn:zoe": "AIDAZOE"}}
ZOE = Subject(SubjectKind.IAM_USER, "zoe")
BEFORE = Known(seen={"iam_user:someone": {"arn:someone": "AIDA1"}})


@pytest.mark.parametrize(
    ("first", "found", "known"),
    [
        (Subject(SubjectKind.BACKEND_ROLE, "crew"), Membership(), BEFORE),
        (Subject(SubjectKind.INTERNAL_USER, "clerk"), Membership({Subject(SubjectKind.INTERNAL_USER, "clerk"): ("clerk",)}), BEFORE),
        (LEE, Membership(missing=frozenset({LEE})), BEFORE),
        (LEE, Membership(unread={LEE: THROTTLED}), Known()),
        (LEE, Membership(unread={LEE: NOT_ALLOWED}), BEFORE),
        (LEE, Membership(), BEFORE),
    ],
    ids=["written", "written and found", "missing", "unread before the first look", "known after deploy", "not asked"],
)  # fmt: skip
def test_of_whom_nothing_is_to_be_remembered_the_others_are_all_the_same(
    first: Subject, found: Membership, known: Known
) -> None:
    """Whoever comes after them in order."""
    zoe = Membership(
        {**found.users, ZOE: ("arn:zoe",)}, {}, found.missing, (), {"arn:zoe": "AIDAZOE"}, dict(found.unread)
    )
    after = look(zoe, known, ZOE, first)
    assert after.known.seen == ALL_OF_IT
    assert after.known.named == {"iam_user:zoe": "AIDAZOE"}
    assert after.members.users[ZOE] == ("arn:zoe",)


def test_of_whom_nothing_could_be_read_the_others_are_seen_all_the_same() -> None:
    found = look(Membership({ZOE: ("arn:zoe",)}, ids={"arn:zoe": "AIDAZOE"}, unread={LEE: THROTTLED}), BEFORE, ZOE, LEE)
    assert found.known.seen == {**ALL_OF_IT, "iam_user:lee": {}}


def test_who_could_not_be_read_is_told_in_order_and_once() -> None:
    """However often they are granted something."""
    unread = Membership(unread={ZOE: THROTTLED, LEE: Refused("denied"), RITA: NOT_ALLOWED}, notes=("a note",))
    found = look(unread, BEFORE, ZOE, LEE, ZOE, RITA)
    assert found.unread == (
        "iam_user:lee could not be read (denied): nobody of it is let in",
        "iam_user:zoe could not be read (throttled): nobody of it is let in",
    )
    assert found.members.notes == ("a note", *found.unread, *found.later)
    assert (len(found.later), found.unfit, found.last_look_counts) == (1, ("a note",), True)


def test_several_who_are_somebody_else_are_told_in_order_and_wait() -> None:
    arns = {ZOE: "arn:zoe", LEE: "arn:lee"}
    users = {one: (arn,) for one, arn in arns.items()}
    old = look(Membership(users, ids=dict.fromkeys(arns.values(), "OLD")), None, ZOE, LEE).known
    found = look(Membership(users, ids=dict.fromkeys(arns.values(), "NEW")), old, ZOE, LEE)
    assert [line.split()[0] for line in found.strangers] == ["arn:lee", "arn:zoe"]
    assert found.members.notes == found.strangers
    assert names_of(found.known) == ("iam_user:lee", "iam_user:zoe")
    known, said = accepted(found.known, "lee")
    assert said == ("iam_user:lee: NEW, and no longer OLD",)
    assert (known.strangers, known.named) == ({"iam_user:zoe": "NEW"}, {"iam_user:lee": "NEW", "iam_user:zoe": "OLD"})
    assert names_of(look(Membership(users), known, LEE).known) == ()  # who is granted nothing any more does not wait


def test_of_the_role_of_a_group_a_name_is_its_own_and_its_group_s() -> None:
    """And of several that are somebody else, each is told as who they were."""
    many = {SUPPORT: (TOKEN_ROLE, "arn:other")}
    old = look(Membership(backend_roles=many, ids={TOKEN_ROLE: "1", "arn:other": "2"}), None, SUPPORT, by=By.ROLE).known
    assert old.named == {
        f"cognito_group:support by role {TOKEN_ROLE}": "1",
        "cognito_group:support by role arn:other": "2",
    }
    now = look(Membership(backend_roles=many, ids={TOKEN_ROLE: "3", "arn:other": "2"}), old, SUPPORT, by=By.ROLE)
    assert now.members.backend_roles == {SUPPORT: ("arn:other",)}
    assert now.known.seen == {"cognito_group:support by role": {"arn:other": "2"}}
    for called in ("cognito_group:support", "support", TOKEN_ROLE):
        known, said = accepted(now.known, called)
        assert (known.strangers, len(said)) == ({}, 1)
    for called in ("", "arn:other", "cognito_group"):
        assert accepted(now.known, called) == (now.known, ())


def test_who_was_known_once_is_no_work_of_a_deploy_though_no_look_saw_them_since() -> None:
    known = Known(named={"iam_user:rita": "AIDA1"}, seen=BEFORE.seen)
    found = look(Membership(unread={RITA: NOT_ALLOWED}), known, RITA)
    assert (found.later, len(found.unread)) == ((), 1)


def test_who_waits_to_be_accepted_waits_for_their_own_grant_alone() -> None:
    known = Known(strangers={"iam_user:ritas": "1", "iam_user:rita": "2", "iam_user:kim": "3"}, seen=BEFORE.seen)
    found = look(Membership(unread={RITA: THROTTLED}), known, RITA)
    assert found.known.strangers == {"iam_user:rita": "2"}


def test_whose_id_is_not_known_is_nobody_else() -> None:
    old = look(Membership({RITA: (RITA_ARN,)}), None, RITA).known
    assert (old.named, old.seen) == ({}, {"iam_user:rita": {RITA_ARN: ""}})
    first = look(Membership({RITA: (RITA_ARN,)}, ids={RITA_ARN: "AIDA1"}), old, RITA)
    assert (first.strangers, first.renewed, first.known.named) == ((), (), {"iam_user:rita": "AIDA1"})
    again = look(Membership({RITA: (RITA_ARN,)}), first.known, RITA)
    assert (again.strangers, again.members.users, again.known.named) == ((), {RITA: (RITA_ARN,)}, first.known.named)


def test_of_those_who_left_a_thousand_ids_stay_known_the_last_ones() -> None:
    names = [f"u{number}" for number in range(1001)]
    full = look(Membership({OPS: tuple(names)}, ids=dict.fromkeys(names, "AIDA")), None, OPS).known
    left = look(Membership({OPS: ()}), full, OPS).known
    assert [*left.former] == names[1:]
    back = look(Membership({OPS: ("u7",)}, ids={"u7": "AIDA"}), left, OPS)
    assert back.renewed == ()
    assert len(back.known.former) == 999


def test_the_count_of_saves_is_kept_at_a_look() -> None:
    assert look(BOTH_READ, Known(saves=7)).known.saves == 7


def test_members_are_whole_unless_what_is_missing_may_be_answered_later() -> None:
    assert BOTH_READ.whole() is BOTH_READ
    refused = Membership({OPS: (KIM,)}, unread={SUPPORT: Refused("not allowed")})
    assert refused.whole() is refused
    with pytest.raises(Unreachable, match="throttled"):
        ONE_READ.whole()
