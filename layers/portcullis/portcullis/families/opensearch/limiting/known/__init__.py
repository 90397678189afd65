"""What an engine has before anybody adds to it: predefined roles, action groups, tenants and the names of permissions, by version.

The JSON files beside this one are written by tests/model/generate_known.py; each says in `source` where it was read.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from portcullis.access.actual import Json


@dataclass(frozen=True, slots=True)
class Known:
    """One engine's names. `roles` are documents in the common form; one that is only known by name is an empty document."""

    engine: str
    source: str
    roles: dict[str, Json]
    action_groups: dict[str, Json]
    tenants: frozenset[str]
    permissions: frozenset[str]
    dashboards_user: str  # the role that every caller of Dashboards needs ...
    dashboards_read_only: str  # ... and the one that hides its editing tools


# Permissions that no action is called by: a request for an index of the engine's own asks for this one besides.
_NO_ACTIONS = dict.fromkeys(("opensearch-2.19", "opensearch-3.4"), frozenset({"system:admin/system_index"}))


@cache
def known(engine: str) -> Known:
    """What `engine` (as Amazon names it: OpenSearch_3.3, Elasticsearch_7.10) has; of a version not measured, the nearest one's."""
    name, _, version = engine.partition("_")
    major, minor = (int(n) for n in re.findall(r"\d+", version)[:2])
    if name == "Elasticsearch":
        base = "opendistro-0" if major < 7 else "opendistro-1.13"
    elif (major, minor) < (2, 0):
        base = "opendistro-1.13"
    else:
        base = "opensearch-2.19" if major == 2 else "opensearch-3.4"
    held, amazon = _data(base), _data("amazon")
    roles: dict[str, Json] = {**held["roles"]}
    renamed = amazon["renamed"] if name == "OpenSearch" else {}
    for old, new in renamed.items():
        roles[new] = roles[old]  # the old names stay known: a domain upgraded from Elasticsearch keeps them
    for role in amazon["roles"]:
        roles.setdefault(role, {})
    return Known(
        engine=engine,
        source=f"{held['source']}; {amazon['source']}",
        roles=roles,
        action_groups=held["action_groups"],
        tenants=frozenset(held["tenants"]),
        # Open Distro's own list was not measured; the oldest measured one stands in for it.
        permissions=frozenset(held["permissions"] or _data("opensearch-2.19")["permissions"])
        | _NO_ACTIONS.get(base, frozenset()),
        dashboards_user=renamed.get("kibana_user", "kibana_user"),
        dashboards_read_only=renamed.get("kibana_read_only", "kibana_read_only"),
    )


@cache
def queries() -> dict[str, Json]:
    """The query types that a document-level query may be of, with the shape of each as far as it is known."""
    held: dict[str, Json] = _data("queries")["queries"]
    return held


@cache
def modules() -> dict[str, list[str]]:
    """The modules and plugins that not every engine has -> the query types that come with each."""
    held: dict[str, list[str]] = _data("queries")["modules"]
    return held


@cache
def _data(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files(__name__).joinpath(f"{name}.json").read_text("utf-8"))
    return loaded
