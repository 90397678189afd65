"""As whom a request of the wider generator is sent: as a user, as a user who acts as another, or with an API key that has limits."""

from __future__ import annotations

import base64
import json
import random
from typing import Any
from uuid import uuid4

from benchmarks.deciding.elastic import PASSWORD, USERS, Asked

Json = dict[str, Any]
MAKES_KEYS = "asked-makes-keys"  # by the name of the action: 6.8 has no privilege for it
TEAMS = ("red", "blue")
# Templates of filters: of these packages 6.8 alone has what fills them in.
TEMPLATES = (
    '{"term": {"team": "{{_user.metadata.team}}"}}',
    '{"term": {"team": "{{{_user.metadata.team}}}"}}',
    '{"term": {"team": "{{_user.username}}"}}',
    {"term": {"level": "{{_user.metadata.level}}"}},
    '{"terms": {"team": {{#toJson}}_user.metadata.teams{{/toJson}}}}',
)


def of_user(user: str) -> Json:
    """What else a user's document has: what templates name."""
    number = USERS.index(user)
    team = TEAMS[number % 2]
    teams = [TEAMS, ("red",), ("blue",), ()][number % 4]
    return {"metadata": {"team": team, "level": number % 2 + 1, "teams": list(teams)}}


class AsWhom:
    """Some keys of each user's, made with the roles that they have now."""

    def __init__(self, asked: Asked, draw: random.Random) -> None:
        self.draw, self.keys = draw, {user: [_made(asked, user, draw) for _ in range(2)] for user in USERS}

    def chosen(self, user: str) -> tuple[Json, Json]:
        """The principal of the question, and what the request is signed with."""
        kind = self.draw.random()
        if kind < 0.3:
            key, text = self.draw.choice(self.keys[user])
            return {"name": user, "api_key": key}, {"authorization": text}
        if kind < 0.5:
            other = self.draw.choice((*USERS, *USERS, "asked-nobody"))
            return {"name": user, "run_as": other}, {"user": user, "password": PASSWORD, "run_as": other}
        return {"name": user}, {"user": user, "password": PASSWORD}


def _made(asked: Asked, user: str, draw: random.Random) -> tuple[Json, str]:
    limits = {f"limit{n}": asked.role(draw) for n in range(draw.choice((0, 1, 1, 1, 2)))}
    if draw.random() < 0.3:
        limits["wide"] = {"cluster": ["all"], "indices": [{"names": ["*"], "privileges": ["all"]}]}
    status, said = asked.node.ask(
        "POST",
        "/_security/api_key",
        {"name": f"{user}-{uuid4()}", "role_descriptors": limits},
        user=user,
        password=PASSWORD,
    )
    if status != 200:
        raise RuntimeError(f"a key of {user}: {status} {said}; {json.dumps(limits)}")
    pair = f"{said['id']}:{said['api_key']}".encode()
    return {"role_descriptors": limits}, f"ApiKey {base64.b64encode(pair).decode()}"
