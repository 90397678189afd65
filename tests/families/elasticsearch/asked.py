"""Documents that a release refuses or would take for something else, and those that all take: for the pure tests and the real servers."""

from __future__ import annotations

from portcullis.access.actual import Json


def on(*names: str, **more: object) -> Json:
    return {"indices": [{"names": list(names), "privileges": ["read"], **more}]}


# What is wrong in them is refused by every release that looks (7.17 and later), and taken by 6.8, which does not.
BAD_ROLES: dict[str, tuple[Json, str]] = {
    "unknown cluster privilege": ({"cluster": ["nonsense"]}, "cluster"),
    "unknown index privilege": ({"indices": [{"names": ["a"], "privileges": ["nonsense"]}]}, "indices[0].privileges"),
    "a filter that is no query": (on("a", query="{not json"), "indices[0].query"),
    "a field taken out that was not given": (on("a", field_security={"grant": ["x"], "except": ["y"]}), "indices[0].field_security"),
    "an expression without its end": (on("/a"), "indices[0].names"),
    "two names in one": (on("a,b"), "indices[0].names"),
    "a selector": (on("a::failures"), "indices[0].names"),
    "a field like an expression without its end": (on("a", field_security={"grant": ["*"], "except": ["/x"]}), "indices[0].field_security"),
}  # fmt: skip
# Refused by every release.
REFUSED_ROLES: dict[str, tuple[Json, str]] = {
    "a field of no release": ({"nonsense": ["a"]}, "nonsense"),
    "fields taken out of none": (on("a", field_security={"except": ["x"]}), "indices[0].field_security"),
    "no word of fields": (on("a", field_security={}), "indices[0].field_security"),
}
# Taken by every release, and each request of its holders ends in an error.
BROKEN_ROLES: dict[str, tuple[Json, str]] = {"acting as an expression without its end": ({"run_as": ["/x"]}, "run_as")}
GOOD_ROLES: dict[str, Json] = {
    "nothing": {},
    "raw actions": {"indices": [{"names": ["*"], "privileges": ["indices:admin/settings/update"]}]},
    "a filter as text": on("a", query='{"term": {"x": 1}}'),
    "a filter as an object": on("a", query={"match_all": {}}),
    "a template": on("a", query={"term": {"x": "{{_user.username}}"}}),
    "fields": on("a", field_security={"grant": ["*"], "except": ["secret*", "b.c"]}),
    "no field": on("a", field_security={"grant": []}),
    "an expression": on("/logs-[0-9]+/"),
    "an application": {"applications": [{"application": "kibana-.kibana", "privileges": ["read"], "resources": ["*"]}]},
}
BAD_MAPPINGS: dict[str, tuple[Json, str]] = {
    "no role": ({"roles": [], "rules": {"any": []}}, "roles"),
    "a list of nobody": ({"roles": ["r"], "rules": {"field": {"username": []}}}, "rules"),
    "except alone": ({"roles": ["r"], "rules": {"except": {"field": {"groups": "g"}}}}, "rules"),
    "except in any": ({"roles": ["r"], "rules": {"any": [{"except": {"field": {"groups": "g"}}}]}}, "rules.any[0]"),
    "no rule": ({"roles": ["r"], "rules": {"nonsense": []}}, "rules"),
}  # fmt: skip
# Taken by all of them, and not what it looks like.
EVERYBODY: Json = {"roles": ["r"], "rules": {"all": []}}
GOOD_MAPPINGS: dict[str, Json] = {
    "nobody": {"roles": ["r"], "rules": {"any": []}},
    "names and groups of a realm": {
        "roles": ["r", "absent"],
        "rules": {"all": [{"field": {"realm.name": "x"}}, {"any": [{"field": {"username": ["a", "b"]}}, {"field": {"groups": "g"}}]}]},
    },
    "all but one": {"roles": ["r"], "rules": {"all": [{"field": {"dn": "*,ou=x"}}, {"except": {"field": {"metadata.a": 1}}}]}},
}  # fmt: skip
BAD_NAMES = ("Jürgen", " blank", "")
GOOD_NAMES = ("first.last.admin", 'a/b:c,d\\e"f*', "x y")
