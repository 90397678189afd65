"""The story of `make demo ENGINE=elasticsearch`: the same as on a domain, on a cluster that runs elsewhere. What differs is here."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from local.beside import AUTOMATION, Beside
from local.cluster_people import ClusterPeople
from local.people import Caller, until
from local.story import stages
from local.story.book import Stage
from local.story.stages import DOCUMENTS, INDEX, Alerts, Cast

_KINDS = ("role", "role_mapping", "user")


class ClusterCast(Cast):
    """Who appears in more than one stage. Who has a role stands in the cluster's users."""

    people: ClusterPeople

    def engine(self, method: str, path: str, body: Any = None) -> Any:
        """As whoever runs the cluster, past roles: to look at what it really holds."""
        return self.people.whole.as_owner(method, path, body)

    def mappings(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, user in self.engine("GET", "/_security/user").items():
            for role in user["roles"]:
                found.setdefault(role, {"users": []})["users"].append(name)
        return found

    def access(self) -> dict[str, Any]:
        """Everything of access that the cluster holds: roles, role mappings, and users with theirs."""
        return {
            f"{kind}/{name}": one for kind in _KINDS for name, one in self.engine("GET", f"/_security/{kind}").items()
        }

    def with_another(
        self, before: dict[str, Any], after: dict[str, Any], user: str
    ) -> tuple[list[str], dict[str, Any]]:
        plus = list(after[f"user/{user}"]["roles"])
        expected = json.loads(json.dumps(before))
        expected[f"user/{user}"]["roles"] = plus
        return plus, expected

    def break_glass(self) -> Caller:
        return self.people.break_glass()

    def roles_of(self, caller: Caller) -> list[str]:
        info = caller.ask("GET", "/_security/_authenticate")
        info.raise_for_status()
        return list(info.json()["roles"])

    def entry(self, user: str) -> str:
        return user


def set_up(stage: Stage, cast: ClusterCast) -> None:
    """What `domain_setup` left on the cluster."""
    held = cast.engine("GET", "/_security/role")
    for role in ("level_application", "level_support", "catalyst_analyst", "portcullis_lock"):
        stage.expect(role in held, f"role {role} is there")
    own = cast.engine("GET", f"/_security/user/{AUTOMATION}")[AUTOMATION]["roles"]
    stage.expect(
        sorted(own) == ["portcullis_lock", "portcullis_security"],
        f"the automation holds {', '.join(sorted(own))}: it writes access, which is as good as a super user, and reads no document",
        instead=own,
    )
    for number, document in enumerate(DOCUMENTS):
        answer = cast.application.ask("PUT", f"/{INDEX}/_doc/{number}?refresh=true", document)
        stage.expect(
            answer.status_code == 201, f"order {number + 1} indexed by the application", instead=answer.text[:200]
        )
    automation = cast.people.automation()
    stage.expect(not automation.may_search(INDEX), "the automation's own search is refused")


def grant(stage: Stage, cast: ClusterCast) -> None:
    """Somebody joins a group, and sees what the group may see."""
    people = cast.people
    # While it is locked its owner makes nobody, as super users are shut out with all others.
    people.native("noor.aziz.support")
    maya = people.at_dashboards(people.cognito_user("maya.lin.support"))
    cast.others["maya"] = maya
    stage.expect(not maya.may_search(INDEX), "maya.lin.support is in no group: a user of the cluster without any role")
    people.join("maya.lin.support", "support")
    took = until(lambda: maya.may_search(INDEX), what="maya may search")
    stage.note(f"AdminAddUserToGroup support: her search is answered {took:.2f} s later")
    hits = total(maya.ask("GET", f"/{INDEX}/_search").json())
    stage.expect(hits == len(DOCUMENTS), f"she sees {hits} orders", instead=hits)
    stage.expect(not maya.may_write(INDEX), "her write is refused")

    omar = people.iam_user("omar.haddad.support")
    cast.others["omar"] = omar
    stage.expect(not omar.may_search(INDEX), "IAM user omar.haddad.support sees nothing")
    cast.embedded.aws.client("iam").add_user_to_group(GroupName="catalyst-support", UserName=omar.name)
    took = until(lambda: omar.may_search(INDEX), what="omar may search")
    stage.note(f"AddUserToGroup catalyst-support (IAM, relayed from us-east-1): answered {took:.2f} s later")

    tom = people.at_dashboards(people.cognito_user("tom.reed.dashboard"))
    people.join("tom.reed.dashboard", "dashboards")
    until(lambda: bool(cast.roles_of(tom)), what="tom has a role")
    stage.expect(
        not tom.may_search(INDEX), f"tom.reed.dashboard has {', '.join(cast.roles_of(tom))}, and reads no index by it"
    )
    anna = people.at_dashboards(people.cognito_user("anna.koch"))
    people.join("anna.koch", "analysts")
    until(lambda: anna.may_search(INDEX), what="anna may search")
    sources = [hit["_source"] for hit in anna.ask("GET", f"/{INDEX}/_search").json()["hits"]["hits"]]
    stage.expect(
        len(sources) == 2 and all(s["region"] == "eu" and not {"customer", "card"} & set(s) for s in sources),
        "anna.koch: 2 orders of 3, no customer and no card",
        instead=sources,
    )


def drift(stage: Stage, cast: ClusterCast, alerts: Alerts) -> None:
    """Somebody edits users by hand: told by the sweep, with who is affected; what is not ours is left alone."""
    people = cast.people
    stranger = people.native("somebody-by-hand")
    cast.engine("PUT", f"/_security/user/{stranger}", {"roles": ["level_support"]})
    application = cast.engine("GET", f"/_security/user/{cast.application.name}")[cast.application.name]
    whole = {key: value for key, value in application.items() if key != "username"}
    cast.engine("PUT", f"/_security/user/{cast.application.name}", {**whole, "roles": []})
    stage.expect(not cast.application.may_search(INDEX), "by hand: the application's role removed, a stranger let in")
    cast.embedded.aws.admin("fire", rule="portcullis-sweep")
    until(lambda: cast.application.may_search(INDEX), what="the sweep put the application back")
    stage.note("the sweep put back what is ours: the application is let in again")
    until(lambda: bool(alerts.named("drift")), what="the drift is told")
    told = alerts.named("drift")[-1]
    stage.note(f"told: {told['happened'][:400]}")
    stage.expect("somebody-by-hand" in told["happened"], "the alert names who is affected")
    stage.expect(stranger in cast.mappings()["level_support"]["users"], "what is not ours was left alone")


def total(answer: dict[str, Any]) -> int:
    """How many were found: a number on 6.8, an object since."""
    found = answer["hits"]["total"]
    return int(found["value"] if isinstance(found, dict) else found)


def cast_of(whole: Beside) -> ClusterCast:
    people = ClusterPeople(whole)
    return ClusterCast(whole, people, people.application())


_OWN: dict[str, Callable[..., None]] = {"set-up": set_up, "grant": grant, "drift": drift}
STAGES: list[tuple[str, str, Callable[..., None]]] = [
    (name, title, _OWN.get(name, play)) for name, title, play in stages.STAGES if name != "doors"
]
