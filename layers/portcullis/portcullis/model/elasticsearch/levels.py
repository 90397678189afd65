"""The layered model of access as it was written for Elasticsearch: four levels, each by a role that the engine brings along or by one
privilege on the indices.

Where a release no longer brings a role along, one is made that gives the same.
"""

from __future__ import annotations

from portcullis.access.actual import Json
from portcullis.families.elasticsearch.documents.compiling import level_role, predefined
from portcullis.families.elasticsearch.known.release import Release
from portcullis.model.presets import Level
from portcullis.model.presets import level_role as role_name

SUPER_USER, DASHBOARD = "super_user", "dashboard"


def levels_of(release: Release) -> dict[str, Level]:
    """The four levels on a release. What a level brings along of the engine's own is in `roles`."""
    return {
        SUPER_USER: Level(
            "Everything: all indices, roles and users, and acting as anybody else",
            roles=(predefined(SUPER_USER, release)[0],),
            user_names=("elastic", "<firstname>.<lastname>.admin"),
        ),
        "application": Level(
            "The application: everything on its indices", privileges=("all",), user_names=("catalyst",)
        ),
        "support": Level(
            "Support: reads the indices", privileges=("read",), user_names=("<firstname>.<lastname>.support",)
        ),
        DASHBOARD: Level(
            "Looks at dashboards, edits nothing, and sees no document of the indices by itself",
            roles=_brought_along(DASHBOARD, release),
            user_names=("<firstname>.<lastname>.dashboard",),
        ),
    }


def _brought_along(level: str, release: Release) -> tuple[str, ...]:
    name, made, _ = predefined(level, release)
    return () if made is not None else (name,)


def made_in_place(level: str, release: Release) -> Json | None:
    """What the level's own role holds since the engine has no role for it any more; None where it has one or needs none."""
    return predefined(level, release)[1] if level == DASHBOARD else None


def roles_of(name: str, level: Level, release: Release) -> tuple[str, ...]:
    """What a grant of this level grants: its own role, if it gives anything of its own, and those of the engine."""
    own = level.privileges or level.cluster_permissions or made_in_place(name, release)
    return (*((role_name(name),) if own else ()), *level.roles)


def own_role(name: str, level: Level, indices: tuple[str, ...], release: Release) -> Json:
    """The document of a level's own role."""
    document = level_role(level.privileges, level.indices or indices)
    return {**document, **(made_in_place(name, release) or {}), "cluster": list(level.cluster_permissions or ())}
