"""Given a deployment, then each verb of a person does what its name says, or says why not; and leaves a line in the history."""

from __future__ import annotations

import json
from typing import Any

import pytest
from portcullis import model
from portcullis.access.plan import Subject, SubjectKind
from portcullis.custody.types import State
from portcullis.entry.operate import carry_out
from portcullis.errors import BadInput, PortcullisError, Refused, Unreachable
from portcullis.families.opensearch.documents.config import Kind
from portcullis.families.opensearch.documents.patch import pointer
from portcullis.operations.access.adopting import subject_of
from portcullis.ports.registration import EngineUser, IamRole

from tests.operations.worlds import POOL, Account, account, arn, mapping, model_text, registration, role

READERS = Subject(SubjectKind.COGNITO_GROUP, "readers")
ANNA, BEN = f"Cognito/{POOL}/anna", f"Cognito/{POOL}/ben"
MODEL = model_text(
    """\
  # who looks
  roles:
    viewers:   # read only
      index_permissions: [{index_patterns: ["logs-*"], allowed_actions: [read]}]
  grants:
    - {role: viewers, to: {cognito_group: readers}}
"""
)


@pytest.fixture
def made() -> Account:
    one = account()
    one.registered()
    one.people.groups = {READERS: (ANNA, BEN)}
    return one


def ask(made: Account, verb: str, **arguments: Any) -> Any:
    """As the `operate` function runs it, request and answer passed through JSON."""
    request = {"verb": verb, "deployment": "demo", "arguments": arguments, "actor": "somebody", "cause": "a test"}
    return json.loads(json.dumps(carry_out(made.services, json.loads(json.dumps(request)), alias="act")))


# ---------------------------------------------------------------------- saved plans


def test_a_saved_plan_is_applied_while_it_is_still_the_plan(made: Account) -> None:
    planned = ask(made, "plan", text=MODEL)
    assert planned["exit_status"] == 3
    assert ask(made, "apply", text=MODEL, expected=planned["digest"])["status"] == "applied"


def test_a_saved_plan_is_refused_when_the_engine_moved(made: Account) -> None:
    planned = ask(made, "plan", text=MODEL)
    made.engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/other", "value": role("read")}])
    with pytest.raises(Refused, match="configuration changed"):
        ask(made, "apply", text=MODEL, expected=planned["digest"])
    assert made.engine.writes == 0
    assert "the ledger holds no access model" in _words(made, "plan")


def test_a_saved_plan_is_refused_when_somebody_joined_a_group_since(made: Account) -> None:
    planned = ask(made, "plan", text=MODEL)
    made.people.groups = {READERS: (ANNA,)}
    with pytest.raises(Refused, match="who is in which group"):
        ask(made, "apply", text=MODEL, expected=planned["digest"])
    assert made.engine.writes == 0


def _words(made: Account, verb: str, **arguments: Any) -> str:
    with pytest.raises(PortcullisError) as raised:
        ask(made, verb, **arguments)
    return str(raised.value)


def test_a_saved_plan_is_refused_when_it_would_let_in_somebody_else_by_as_many_steps(made: Account) -> None:
    made.people.groups = {READERS: (ANNA,)}
    planned = ask(made, "plan", text=MODEL)
    made.people.groups = {READERS: (BEN,)}
    with pytest.raises(Refused, match="who is in which group"):
        ask(made, "apply", text=MODEL, expected=planned["digest"])


# ---------------------------------------------------------------------- the model in the ledger


def test_a_model_that_would_lock_out_is_refused_and_not_kept(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    worse = MODEL.replace("viewers, to: {cognito_group: readers}", "viewers, to: {iam_group: nobody}")
    assert "not listened to" in _words(made, "apply", text=worse)
    assert made.ledger.model("demo").text == MODEL


def test_a_file_of_another_deployment_is_refused(made: Account) -> None:
    other = MODEL.replace("deployment: demo", "deployment: other")
    for verb in ("apply", "plan"):
        with pytest.raises(BadInput, match="is the file of 'other'"):
            ask(made, verb, text=other)


def test_an_engine_that_stays_silent_once_does_not_fail_an_apply(made: Account) -> None:
    def silent(_: Any) -> None:
        raise Unreachable("no answer")

    made.engine.meddle = silent
    assert ask(made, "apply", text=MODEL)["status"] == "applied"
    assert ask(made, "plan")["exit_status"] == 0


# ---------------------------------------------------------------------- people whose access ends


@pytest.mark.parametrize(("wanted", "signed_out"), [("true", [BEN]), ("false", [])])
def test_whoever_is_taken_out_is_signed_out_if_the_deployment_asks_for_it(
    made: Account, wanted: str, signed_out: list[str]
) -> None:
    ask(made, "apply", text=MODEL + f"custody: {{end_sessions: {wanted}}}\n")
    made.people.groups = {READERS: (ANNA,)}
    ask(made, "synchronise")
    assert made.people.signed_out == signed_out


def test_a_sign_out_that_failed_is_made_up_for(made: Account) -> None:
    ask(made, "apply", text=MODEL + "custody: {end_sessions: true}\n")
    made.people.groups, made.people.fails = {READERS: ()}, 1
    assert ask(made, "synchronise")["status"] == "applied"
    assert made.people.signed_out == []
    ask(made, "synchronise")
    ask(made, "synchronise")
    assert made.people.signed_out == [ANNA, BEN]
    assert {step["operation"] for step in ask(made, "history", entry="1")["touched"]} == {"remove"}


# ---------------------------------------------------------------------- internal users


def test_a_new_internal_user_gets_the_password_of_its_secret(made: Account) -> None:
    users = "  users: {robot: {secret: robots/one}, other: {}}\n"
    assert "there is no secret robots/one" in _words(made, "apply", text=MODEL + users)
    made.passwords.kept["robots/one"] = "Given-by-somebody-1"
    ask(made, "apply", text=MODEL + users)
    assert set(made.engine.held.of(Kind.USERS)) == {"robot", "other"}
    assert set(made.passwords.kept) == {"robots/one", "portcullis/demo/other"}
    secrets = made.passwords.kept.values()
    told = json.dumps(ask(made, "history", entry="1")) + json.dumps(made.ledger.saved("demo", "undertaken"))
    assert not any(secret in told for secret in secrets)
    assert not any(secret.encode() in raw for _, raw in made.ledger._history for secret in secrets)


# ---------------------------------------------------------------------- history and rollback


def test_the_history_names_cause_actor_and_what_was_touched(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    latest = ask(made, "history")[0]
    assert (latest["number"], latest["cause"], latest["actor"]) == (1, "a test", "somebody")
    assert any("viewers" in line and "cognito_group:readers" in line for line in latest["after"])
    whole = ask(made, "history", entry=latest["entry"])
    assert {step["name"] for step in whole["touched"]} >= {"viewers"}


def test_a_rollback_of_what_a_group_says_is_refused_with_the_reason(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    made.people.groups = {READERS: (ANNA, BEN, f"Cognito/{POOL}/carl")}
    ask(made, "synchronise")
    assert "would not last" in _words(made, "rollback", entry="1")
    assert f"Cognito/{POOL}/carl" in made.engine.held.entries("viewers", "users")


def test_a_rollback_of_what_was_changed_since_is_refused(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    ask(made, "apply", text=MODEL.replace("[read]", "[read, write]"))
    assert "changed again since" in _words(made, "rollback", entry="2")
    edited = [{"op": "add", "path": "/viewers/cluster_permissions", "value": ["cluster_monitor"]}]
    made.engine.by_hand(Kind.ROLES, edited)
    assert "changed since: roles/viewers" in _words(made, "rollback", entry="1")
    assert made.ledger.model("demo").text == MODEL.replace("[read]", "[read, write]")


@pytest.mark.parametrize("entry", ["0", "99", "yesterday", "-1"])
def test_an_entry_that_is_not_there_is_bad_input(made: Account, entry: str) -> None:
    ask(made, "apply", text=MODEL)
    with pytest.raises(BadInput, match="no entry"):
        ask(made, "rollback", entry=entry)


def test_what_a_lock_did_is_not_rolled_back(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    ask(made, "lock", reason="a test")
    ask(made, "unlock")
    said = _words(made, "rollback", entry="1")
    assert "changed no access" in said
    latest = said.rpartition(" ")[2]
    assert f"portcullis rollback demo {latest}" in said, "the latest change of access is named"
    assert "no model before it" in _words(made, "rollback", entry=latest)


# ---------------------------------------------------------------------- adopt


def test_adopting_writes_what_is_there_and_keeps_the_comments(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    document = role("write", patterns=["orders"], dls='{"term": {"a": 1}}')
    made.engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/editors", "value": document}])
    entries = mapping(users=["local", ANNA, "x/y"], backend_roles=[arn("role", "app"), "team"], hosts=["*"])
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/editors", "value": entries}])
    held, writes = made.engine.held, made.engine.writes
    taken = ask(made, "adopt")
    assert (taken["exit_status"], taken["steps"], made.engine.writes, made.engine.held) == (0, [], writes, held)
    assert "# who looks" in taken["text"]
    assert "# read only" in taken["text"]
    access = model.loads(taken["text"], "taken").access
    assert set(access.roles) == {"viewers", "editors"}
    subjects = {str(grant.to.subject) for grant in access.grants if grant.role == "editors"}
    assert subjects == {
        "internal_user:local",
        "cognito_user:anna",
        f"iam_role:{arn('role', 'app')}",
        "backend_role:team",
    }
    assert any("x/y" in line for line in taken["left"])
    assert any("hosts" in line for line in taken["left"])
    assert ask(made, "plan")["exit_status"] == 0


def test_what_a_deployment_file_cannot_hold_is_left_and_told(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    odd = {"übersicht": role("read"), "uses": role("no_such_group"), "ok": role("read")}
    for name, document in odd.items():
        made.engine.by_hand(Kind.ROLES, [{"op": "add", "path": pointer(name), "value": document}])
        entries = mapping(backend_roles=["team"])
        made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": pointer(name), "value": entries}])
    user = {"backend_roles": [], "attributes": {}, "opendistro_security_roles": ["viewers"]}
    made.engine.by_hand(Kind.USERS, [{"op": "add", "path": "/direct", "value": user}])
    taken = ask(made, "adopt")
    assert taken["exit_status"] == 0
    assert set(model.loads(taken["text"], "taken").access.roles) == {"viewers", "ok"}
    left = "\n".join(taken["left"])
    assert all(name in left for name in ("übersicht", "uses", "direct"))


def test_what_check_calls_an_error_is_left_and_told_so_that_the_file_can_be_deployed(made: Account) -> None:
    """On a running engine a filter may fail every search, and a user be break-glass with a password: that is nothing to write down."""
    ask(made, "apply", text=MODEL)
    document = role("read", patterns=["orders"], dls='{"range": {"at": {"gte": "now-1d"}}}')
    made.engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/recent", "value": document}])
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/recent", "value": mapping(backend_roles=["team"])}])
    user = {"backend_roles": [arn("role", "portcullis-demo-break-glass")], "attributes": {}}
    made.engine.by_hand(Kind.USERS, [{"op": "add", "path": "/glass", "value": user}])
    held = made.engine.held
    taken = ask(made, "adopt")
    assert (taken["exit_status"], taken["taken"], made.engine.held) == (0, [], held)
    assert taken["text"] == MODEL
    for code in ("[dls-relative-date]", "[user-as-portcullis]"):
        assert any(code in line for line in taken["left"]), code
    assert ask(made, "plan", text=taken["text"])["exit_status"] == 0


def test_what_does_nothing_in_a_role_keeps_nobody_from_adopting_it(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    entry = {
        "index_patterns": ["orders", ""],
        "allowed_actions": ["read", " "],
        "masked_fields": ["", "card"],
        "fls": ["", "~a"],
    }
    odd = {
        "description": "",
        "cluster_permissions": ["", "cluster_monitor"],
        "index_permissions": [
            {"index_patterns": [], "allowed_actions": []},
            entry,
            {"index_patterns": [""], "allowed_actions": ["read"]},
        ],
        "tenant_permissions": [{"tenant_patterns": [], "allowed_actions": []}],
    }
    made.engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/editors", "value": odd}])
    entries = mapping(users=["", "local"], backend_roles=["team"])
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/editors", "value": entries}])
    held, writes = made.engine.held, made.engine.writes
    taken = ask(made, "adopt")
    assert (taken["exit_status"], taken["steps"], taken["left"]) == (0, [], [])
    assert (made.engine.writes, made.engine.held) == (writes, held)
    access = model.loads(taken["text"], "taken").access
    (kept,) = access.roles["editors"].index_permissions
    assert (kept.index_patterns, kept.masked_fields, kept.fls) == (("orders",), ("card",), ("~a",))
    assert {str(g.to.subject) for g in access.grants if g.role == "editors"} == {
        "internal_user:local",
        "backend_role:team",
    }
    assert ask(made, "plan")["exit_status"] == 0


def test_a_blank_field_rule_hides_every_field_and_is_never_adopted_as_none(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    document = role("read", patterns=["orders"], fls=[""])
    made.engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/editors", "value": document}])
    taken = ask(made, "adopt")
    assert "editors" not in model.loads(taken["text"], "taken").access.roles
    assert any("editors" in line for line in taken["left"])


def test_the_engine_is_right_where_a_role_of_the_file_differs(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    edited = [{"op": "add", "path": "/viewers/index_permissions/0/allowed_actions/-", "value": "write"}]
    made.engine.by_hand(Kind.ROLES, edited)
    taken = ask(made, "adopt")
    assert taken["exit_status"] == 0
    permissions = model.loads(taken["text"], "taken").access.roles["viewers"].index_permissions
    assert permissions[0].allowed_actions == ("read", "write")


def test_a_file_that_asks_for_more_than_there_is_adopts_nothing(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    more = MODEL.replace("  grants:\n", "  grants:\n    - {role: viewers, to: {iam_role: another}}\n")
    before = made.ledger.claims(made.ledger.registration("demo").place.id)
    taken = ask(made, "adopt", text=more)
    assert taken["exit_status"] == 3
    assert any("another" in step for step in taken["steps"])
    assert made.ledger.model("demo").text == MODEL
    assert made.ledger.claims(made.ledger.registration("demo").place.id) == before


def test_a_plan_of_a_locked_deployment_says_so_before_anything_else(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    assert ask(made, "plan")["locked"] == ""
    ask(made, "lock", reason="a leak")
    assert ask(made, "plan")["locked"].startswith("demo is lock")


def test_what_the_deployment_itself_asks_for_is_never_called_made_by_hand(made: Account) -> None:
    """The domain was made with its master and its automation: nobody claims these."""
    ask(made, "apply", text=MODEL)
    assert ask(made, "plan")["foreign"] == []
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/all_access/backend_roles/-", "value": "stranger"}])
    assert ask(made, "plan")["foreign"] == ["rolesmapping/all_access/backend_roles: stranger"]


def test_a_master_of_the_internal_user_database_is_nobodys_to_take_over(made: Account) -> None:
    """AWS makes the user with the domain. Another user who administers it is told of as ever."""
    made.registered(master=EngineUser("chief", "the-masters"))
    users = ["chief", "chief-2"]
    made.engine.by_hand(Kind.USERS, [{"op": "add", "path": f"/{user}", "value": {}} for user in users])
    for administers in ("all_access", "security_manager"):
        made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": f"/{administers}/users", "value": users}])
    ask(made, "apply", text=MODEL)
    foreign = ask(made, "plan")["foreign"]
    assert "internalusers/chief-2" in foreign
    assert [one for one in foreign if one.endswith(("/chief", " chief"))] == []
    left = ask(made, "adopt", dry_run=True)["left"]
    assert any(one.startswith("internalusers/chief-2: ") for one in left)
    assert [one for one in left if one.startswith("internalusers/chief: ")] == []
    with pytest.raises(BadInput, match="nothing to take over that is called 'internalusers/chief'"):
        ask(made, "adopt", dry_run=True, only=["internalusers/chief"])


def by_hand(made: Account) -> None:
    """A role with somebody in it, and some ways to administer the domain."""
    users = {"helper": {"backend_roles": ["ops"]}}
    roles = {
        "editors": role("write"),
        "keyholders": {"cluster_permissions": ["restapi:admin/*"]},
        "everything": {"cluster_permissions": ["*"]},
        "through_a_group": {"cluster_permissions": ["keys"]},
        "its_index": role("system:admin/system_index"),
    }
    groups = {"keys": {"allowed_actions": ["restapi:admin/internalusers"], "type": "cluster"}}
    mappings = {name: mapping(backend_roles=["team"]) for name in roles}
    added = ((Kind.ACTION_GROUPS, groups), (Kind.ROLES, roles), (Kind.USERS, users), (Kind.MAPPINGS, mappings))
    for kind, documents in added:
        for name, document in documents.items():
            made.engine.by_hand(kind, [{"op": "add", "path": pointer(name), "value": document}])
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/all_access/backend_roles/-", "value": "ops"}])


ADMINISTRATORS = {
    "actiongroups/keys",
    "internalusers/helper",
    "rolesmapping/all_access/backend_roles: ops",
    *(f"roles/{name}" for name in ("keyholders", "everything", "through_a_group", "its_index")),
    *(
        f"rolesmapping/{name}/backend_roles: team"
        for name in ("keyholders", "everything", "through_a_group", "its_index")
    ),
}


def test_whoever_administers_the_domain_is_taken_over_only_by_the_whole_name(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    by_hand(made)
    taken = ask(made, "adopt")
    assert taken["taken"] == ["roles/editors", "rolesmapping/editors/backend_roles: team"]
    assert {line.partition(": it gives")[0] for line in taken["left"]} == ADMINISTRATORS
    for name in ("all_access", "keyholders", "helper"):
        assert ask(made, "adopt", only=[name])["taken"] == []
    claim = "rolesmapping/all_access/backend_roles: ops"
    assert ask(made, "adopt", only=[claim])["taken"] == [claim]
    claims = made.ledger.claims(made.ledger.registration("demo").place.id)["demo"]
    assert claim in {str(one) for one in claims}


def test_a_role_made_an_administrators_by_hand_is_not_adopted(made: Account) -> None:
    """The file has a role of this name with fewer rights. The plan would put it right."""
    ask(made, "apply", text=MODEL)
    edited = [{"op": "add", "path": "/viewers/cluster_permissions", "value": ["restapi:admin/roles"]}]
    made.engine.by_hand(Kind.ROLES, edited)
    taken = ask(made, "adopt")
    assert (taken["exit_status"], taken["taken"], taken["claimed"]) == (3, [], False)
    assert any("roles/viewers" in step for step in taken["steps"])
    assert made.ledger.model("demo").text == MODEL


def test_only_and_except_choose_what_is_taken_over(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    by_hand(made)
    entry = "rolesmapping/editors/backend_roles: team"
    for given, expected in (
        ({"only": ["editors"]}, ["roles/editors", entry]),
        ({"only": ["roles/editors"]}, ["roles/editors"]),
        ({"without": [entry]}, ["roles/editors"]),
        ({"without": ["editors"]}, []),
    ):
        assert ask(made, "adopt", **given, dry_run=True)["taken"] == expected
    with pytest.raises(BadInput, match="'editor'"):
        ask(made, "adopt", only=["editor"])


def test_what_is_claimed_is_what_was_shown_or_nothing(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    by_hand(made)
    domain = made.ledger.registration("demo").place.id
    claims = made.ledger.claims(domain)
    shown = ask(made, "adopt", dry_run=True)
    assert (shown["claimed"], shown["exit_status"], made.ledger.claims(domain)) == (False, 3, claims)
    made.engine.by_hand(Kind.MAPPINGS, [{"op": "add", "path": "/editors/backend_roles/-", "value": "late"}])
    with pytest.raises(Refused, match="no longer what was shown"):
        ask(made, "adopt", expected=shown["digest"])
    assert made.ledger.claims(domain) == claims
    again = ask(made, "adopt", dry_run=True)
    assert ask(made, "adopt", expected=again["digest"])["taken"] == again["taken"]


def test_what_a_role_lets_do_is_shown_before_it_is_claimed_too(made: Account) -> None:
    """The same names, and one of them means more than what somebody looked at."""
    ask(made, "apply", text=MODEL)
    by_hand(made)
    shown = ask(made, "adopt", dry_run=True)
    wider = role("*", patterns=("*",))
    made.engine.by_hand(Kind.ROLES, [{"op": "add", "path": "/editors", "value": wider}])
    assert ask(made, "adopt", dry_run=True)["taken"] == shown["taken"]
    with pytest.raises(Refused, match="no longer what was shown"):
        ask(made, "adopt", expected=shown["digest"])


@pytest.mark.parametrize(
    ("entry_list", "entry", "subject"),
    [
        ("users", arn("user", "eu/anna"), (SubjectKind.IAM_USER, arn("user", "eu/anna"))),
        ("users", ANNA, (SubjectKind.COGNITO_USER, "anna")),
        ("users", "reports", (SubjectKind.INTERNAL_USER, "reports")),
        ("users", "Cognito/another-pool/anna", None),
        ("users", "odd:user/anna", None),
        ("users", arn("role", "ci"), None),
        ("backend_roles", arn("role", "ci"), (SubjectKind.IAM_ROLE, arn("role", "ci"))),
        ("backend_roles", "staff", (SubjectKind.BACKEND_ROLE, "staff")),
        ("backend_roles", "odd:iam::x:role/ci", (SubjectKind.BACKEND_ROLE, "odd:iam::x:role/ci")),
        ("backend_roles", "arn:aws:sts::1:assumed-role/x", (SubjectKind.BACKEND_ROLE, "arn:aws:sts::1:assumed-role/x")),
        ("hosts", "10.0.0.1", None),
    ],
)
def test_an_entry_is_whom_it_names_or_nobody_a_file_can_name(
    entry_list: str, entry: str, subject: tuple[SubjectKind, str] | None
) -> None:
    found = subject_of(entry_list, entry, registration())
    assert found == (Subject(*subject) if subject else None)


# ---------------------------------------------------------------------- masters


def test_a_master_is_added_beside_those_there_are(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    hand = [{"op": "add", "path": "/all_access/backend_roles/-", "value": "made-by-hand"}]
    made.engine.by_hand(Kind.MAPPINGS, hand)
    added = ask(made, "master-add", principal=arn("role", "second"))
    assert "# who looks" in added["text"]
    assert made.ledger.model("demo").text == added["text"]
    for name, there in (("all_access", ["made-by-hand"]), ("security_manager", [])):
        entries = made.engine.held.entries(name, "backend_roles")
        assert {arn("role", "master"), arn("role", "second"), *there} <= set(entries)
    listed = {(one["role"], one["who"]): one["because"] for one in ask(made, "master-list")}
    assert "grant" in listed["all_access", arn("role", "second")]
    assert listed["all_access", "made-by-hand"] == ""
    assert ask(made, "plan")["exit_status"] == 0


@pytest.mark.parametrize("principal", ["second", "role:x", "iam_role:", arn("group", "x"), ""])
def test_a_principal_that_names_nobody_is_bad_input(made: Account, principal: str) -> None:
    ask(made, "apply", text=MODEL)
    with pytest.raises(BadInput):
        ask(made, "master-add", principal=principal)
    assert made.ledger.model("demo").text == MODEL


@pytest.mark.parametrize(
    ("principal", "code"),
    [
        ("internal_user:nobody", "basic-auth-under-iam-master"),
        ("backend_role:team-*", "wildcard-principal"),
        (arn("role", "second"), ""),
    ],
)
def test_of_a_master_it_is_said_what_check_warns_of(made: Account, principal: str, code: str) -> None:
    """Once for both roles, and nothing that the file was warned of before."""
    ask(made, "apply", text=MODEL)
    warned = ask(made, "master-add", principal=principal)["warnings"]
    assert [one.rpartition(" [")[2] for one in warned] == ([f"{code}]"] if code else [])


@pytest.mark.parametrize(
    "principal", ["iam_role:portcullis-demo-break-glass", "backend_role:opendistro_security_anonymous_backendrole"]
)
def test_a_master_whom_check_calls_an_error_is_refused(made: Account, principal: str) -> None:
    ask(made, "apply", text=MODEL)
    with pytest.raises(BadInput, match=r"\[(grant-to-portcullis|anonymous-administrator)\]"):
        ask(made, "master-add", principal=principal)
    assert made.ledger.model("demo").text == MODEL


def test_a_moved_master_stays_moved_when_the_stacks_are_deployed_again(made: Account) -> None:
    """The new one is mapped to the roles of administrators, and the old one is not."""
    from portcullis.operations.access.deployments import introduce
    from portcullis.operations.services import Trigger

    ask(made, "apply", text=MODEL)
    as_deployed = made.ledger.registration("demo")
    new = arn("role", "new-master")
    ask(made, "master-move", principal=new)
    assert made.aws.masters == [new]
    for name in ("all_access", "security_manager"):
        entries = made.engine.held.entries(name, "backend_roles")
        assert new in entries
        assert arn("role", "master") not in entries
    introduce(made.services.at(as_deployed), MODEL, Trigger("CloudFormation Update"))
    assert made.ledger.registration("demo").master == IamRole(new)
    assert ask(made, "plan")["exit_status"] == 0


# ---------------------------------------------------------------------- integrations


@pytest.mark.parametrize("index", ["*", ".*", ".kib*"])
def test_a_service_is_not_let_at_the_engines_own_indices(made: Account, index: str) -> None:
    ask(made, "apply", text=MODEL)
    said = _words(made, "integration-add", service="firehose", role=arn("role", "fh"), index=index)
    assert "covers the engine's own indices too" in said
    assert "firehose" not in made.engine.held.of(Kind.ROLES)


def test_firehose_gets_exactly_what_its_guide_asks_for(made: Account) -> None:
    ask(made, "apply", text=MODEL)
    delivery = arn("role", "firehose_delivery_role")
    for index in ("firehose-index*", "firehose-other*", "firehose-index*"):
        ask(made, "integration-add", service="firehose", role=delivery, index=index)
    assert made.engine.held.get(Kind.ROLES, "firehose") == {
        "cluster_permissions": ["cluster_composite_ops", "cluster_monitor"],
        "index_permissions": [
            {
                "index_patterns": ["firehose-index*", "firehose-other*"],
                "allowed_actions": ["create_index", "manage", "crud"],
                "fls": [],
                "masked_fields": [],
            }
        ],
        "tenant_permissions": [],
        "description": "",
    }
    assert made.engine.held.entries("firehose", "backend_roles") == (delivery,)
    assert ask(made, "plan")["exit_status"] == 0


# ---------------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("request_", "alias", "said"),
    [
        ({"verb": "nonsense"}, "act", "no verb"),
        ({"verb": "apply", "deployment": "demo"}, "look", "needs the alias 'act'"),
        ({"verb": "apply", "deployment": "demo"}, "$LATEST", "needs the alias 'act'"),
        ({"verb": "apply"}, "act", "no deployment"),
        ({"verb": "apply", "deployment": "demo", "arguments": {"txt": ""}}, "act", "takes no 'txt'"),
        ({"verb": "rollback", "deployment": "demo"}, "act", "needs 'entry'"),
        ({"verb": "apply", "deployment": "demo", "arguments": []}, "act", "holds no access model"),
        ({"verb": "status", "deployment": "nowhere"}, "look", "no deployment named"),
    ],
)
def test_a_request_that_cannot_be_is_refused_in_words(
    made: Account, request_: dict[str, Any], alias: str, said: str
) -> None:
    with pytest.raises(PortcullisError, match=said):
        carry_out(made.services, request_, alias=alias)


# ---------------------------------------------------------------------- the gate, by hand


@pytest.mark.parametrize("reason", ["", "   ", None, 7, "x" * 501])
@pytest.mark.parametrize("verb", ["lock", "break-glass"])
def test_without_a_reason_that_can_be_written_down_nothing_is_done(made: Account, verb: str, reason: Any) -> None:
    ask(made, "apply", text=MODEL)
    with pytest.raises(BadInput, match=r"a reason has 1 to 500 characters|a number is not what belongs here"):
        ask(made, verb, reason=reason)
    assert made.ledger.custody("demo").state is State.OPEN


@pytest.mark.parametrize("minutes", [0, -1, 61, 10_000, "61", 60.5e9])
def test_break_glass_for_longer_than_the_file_allows_is_bad_input(made: Account, minutes: Any) -> None:
    ask(made, "apply", text=MODEL)
    with pytest.raises(BadInput, match="minutes"):
        ask(made, "break-glass", reason="an audit", minutes=minutes)
