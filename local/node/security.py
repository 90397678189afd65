"""What the Security plugin starts with: who is known, by what, and who is the master.

Two forms. `basic`: an internal user database with HTTP basic authentication. `behind_door`: nobody but the front door may
connect (client certificate), and it hands the verified caller over in a signed token; no user, no mapping but the master's. Where
the domain has an internal user database, the node takes user names and passwords behind the door as well, and has no mapping at
all: its master is made when the domain is.

A token rather than proxy headers, because it carries every name there is (headers are read as Latin-1 and their list of
roles is split at a separator) and because a header can be forged by whoever gets hold of the door's certificate alone.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from portcullis.errors import BadInput

TOKEN_HEADER = "x-door-token"
NAME_CLAIM, ROLES_CLAIM = "sub", "roles"
MASTER_ROLES = ("all_access", "security_manager")

# Which callers may use the security API at all: fixed at start, as on Amazon.
REST_ROLES = ["all_access", "security_rest_api_access", "security_manager"]

# Predefined by Amazon, absent from the open-source plugin. It grants nothing by itself: being named in REST_ROLES does.
SECURITY_MANAGER = {"reserved": True, "description": "Manages security through its API, and sees no data"}

Documents = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class SecuritySetup:
    """How a node's Security plugin starts. Made by `basic` or `behind_door`.

    `roles`, `roles_mapping`, `internal_users`, `action_groups`, `tenants`: name -> document as the security API takes it,
    added to what the node starts with, or in its place where the name is the same. An internal user is given with its
    `hash`, or with its `password`, which the running node then hashes. `settings` go into opensearch.yml. All but
    `settings` count for a new home only: afterwards the security index holds the truth.
    """

    master_user: str = ""
    master_password: str = field(default="", repr=False)
    master_role: str = ""
    internal_database: bool = False  # behind the door: user names and passwords beside what the door hands over
    roles: Documents = field(default_factory=dict)
    roles_mapping: Documents = field(default_factory=dict)
    internal_users: Documents = field(default_factory=dict, repr=False)
    action_groups: Documents = field(default_factory=dict)
    tenants: Documents = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def basic(cls, user: str = "admin", password: str = "", **more: Any) -> SecuritySetup:
        """Internal users; `user` is the master, with a random password if none is given."""
        return cls(master_user=user, master_password=password or secrets.token_urlsafe(24), **more)

    @classmethod
    def behind_door(cls, master_role: str = "", *, internal_database: bool = False, **more: Any) -> SecuritySetup:
        """Only through the front door. `master_role` is the ARN of the IAM role that is master; with `internal_database` nobody is yet."""
        if bool(master_role) == internal_database:
            raise BadInput(
                "two masters" if master_role else "no master role",
                source="SecuritySetup.behind_door",
                remedy="the ARN of an IAM role, or internal_database",
            )
        return cls(master_role=master_role, internal_database=internal_database, **more)

    @property
    def only_the_door(self) -> bool:
        return bool(self.master_role) or self.internal_database

    def node_settings(self) -> dict[str, Any]:
        """What belongs into opensearch.yml."""
        return {
            # Callers other than the door are cut off in the TLS handshake; the admin certificate is of the same CA.
            "plugins.security.ssl.http.clientauth_mode": "REQUIRE" if self.only_the_door else "OPTIONAL",
            "plugins.security.restapi.roles_enabled": REST_ROLES,
            "plugins.security.audit.type": "noop",
            **self.settings,
        }

    def passwords(self) -> dict[str, dict[str, Any]]:
        """Internal users that are given with a password: name -> document for the security API."""
        given = {name: dict(user) for name, user in self.internal_users.items() if "password" in user}
        if self.master_user:
            master = {"password": self.master_password, "backend_roles": ["admin"], "description": "The master user"}
            given = {self.master_user: master, **given}
        return given

    def files(self, defaults: Path, token_public_key: str) -> dict[str, str]:
        """The plugin's configuration files: file name -> content (JSON, which is YAML).

        Taken from the plugin: its predefined roles. Not taken: its demo users, and its demo mappings, which let people in
        whom nobody has mapped (`own_index` to everyone; `kibana_user`, `readall` and others by well-known backend roles).
        """
        predefined = yaml.safe_load((defaults / "roles.yml").read_text(encoding="utf-8"))
        predefined.pop("_meta")
        mapping = {"backend_roles": [self.master_role or "admin"], "description": "The master"}
        masters = {} if self.internal_database else dict.fromkeys(MASTER_ROLES, mapping)
        kinds: dict[str, tuple[str, Mapping[str, Any]]] = {
            "roles": ("roles", {**predefined, "security_manager": SECURITY_MANAGER, **self.roles}),
            "roles_mapping": ("rolesmapping", {**masters, **self.roles_mapping}),
            "internal_users": (
                "internalusers",
                {name: user for name, user in self.internal_users.items() if "password" not in user},
            ),
            "action_groups": ("actiongroups", self.action_groups),
            "tenants": ("tenants", self.tenants),
            "nodes_dn": ("nodesdn", {}),
            "config": ("config", {"config": {"dynamic": self._authentication(token_public_key)}}),
            "audit": ("audit", {"config": {"enabled": False}}),
            "allowlist": ("allowlist", {"config": {"enabled": False, "requests": {}}}),
        }
        if (defaults / "whitelist.yml").is_file():  # the older name, still wanted by 2.x
            kinds["whitelist"] = ("whitelist", {"config": {"enabled": False, "requests": {}}})
        return {
            f"{name}.yml": json.dumps({"_meta": {"type": kind, "config_version": 2}, **content}, indent=1)
            for name, (kind, content) in kinds.items()
        }

    def _authentication(self, token_public_key: str) -> dict[str, Any]:
        by_token = {
            "description": "What the front door has verified",
            "http_enabled": True,
            "order": 0,
            "http_authenticator": {
                "type": "jwt",
                "challenge": False,
                "config": {
                    "signing_key": token_public_key,
                    "jwt_header": TOKEN_HEADER,
                    "subject_key": NAME_CLAIM,
                    "roles_key": ROLES_CLAIM,
                },
            },
            "authentication_backend": {"type": "noop"},
        }
        by_password = {
            "description": "Internal user database",
            "http_enabled": True,
            "order": 1,
            "http_authenticator": {"type": "basic", "challenge": True},
            "authentication_backend": {"type": "intern"},
        }
        asked = {
            "domain": by_token,
            **({} if self.master_role else {"internal": by_password}),
        }
        return {"http": {"anonymous_auth_enabled": False}, "authc": asked, "authz": {}}
