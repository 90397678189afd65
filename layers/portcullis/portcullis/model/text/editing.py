"""Changes to a deployment file's text: every line that need not change stays as it is, comments, order and spelling included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from portcullis.access.actual import Json
from portcullis.access.plan import Subject
from portcullis.errors import BadInput
from portcullis.model.names import did_you_mean
from portcullis.model.parts import Path
from portcullis.model.text.loading import loads
from portcullis.model.text.reading import read
from portcullis.model.text.splicing import cut, put

Change = Callable[[str], str]  # text -> text


def edit(text: str, change: Change, source: str = "the deployment file") -> str:
    """`text` with one change made to it. The result is a valid deployment file: BadInput if it would not be, or if `text` is not one."""
    loads(text, source)
    edited = change(text)
    loads(edited, source)
    return edited


def add_grant(subject: Subject, role: str) -> Change:
    """Grant a role to a subject, after the other grants. Granting it twice is granting it once."""

    def change(text: str) -> str:
        grants = _grants(text)
        grant = {"role": role, "to": {subject.kind.value: subject.name}}
        return text if grant in grants else put(text, ("access", "grants", len(grants)), grant)

    return change


def set_access(key: str, name: str, value: Json | list[str] | None) -> Change:
    """Set `access.<key>.<name>` (roles, action_groups, tenants, users, and_backend_roles) to a value, or take it out with None."""

    return lambda text: _set(text, (key,), name, value)


def take_parts(wanted: str, names: Sequence[str]) -> Change:
    """What the file `wanted` says of these names in place of what the text says: roles, levels, action groups, tenants and users so
    called, and the grants of such roles and levels. BadInput for a name of which neither says anything."""

    def change(text: str) -> str:
        for name in names:
            text = _with_part(text, wanted, name)
        return text

    return change


def _with_part(text: str, wanted: str, name: str) -> str:
    sections, coming = _sections(text), _sections(wanted)
    grants = [grant for grant in _grants(wanted) if name in (grant.get("role"), grant.get("level"))]
    known = {one for of in (sections, coming) for section in of.values() for one in section}
    known |= {str(grant.get("role") or grant.get("level")) for of in (text, wanted) for grant in _grants(of)}
    if name not in known:
        remedy = did_you_mean(name, known) or "neither of them has any"
        problem = f"neither the file nor the model in force says anything of {name!r}"
        raise BadInput(problem, source="the deployment file", place="access", remedy=remedy)
    for path in dict.fromkeys((*sections, *coming)):
        text = _set(text, path, name, coming.get(path, {}).get(name))
    here = _grants(text)
    for at in reversed(range(len(here))):
        if name in (here[at].get("role"), here[at].get("level")) and here[at] not in grants:
            text = cut(text, ("access", "grants", at))
    for grant in grants:
        if grant not in (there := _grants(text)):
            text = put(text, ("access", "grants", len(there)), grant)
    return text


def _set(text: str, path: Path, name: str, value: Any) -> str:
    """What stands by this name in a section of `access` set to a value, or taken out with None."""
    section = _sections(text).get(path, {})
    if value is not None:
        return text if section.get(name) == value else put(text, ("access", *path, name), value)
    return cut(text, ("access", *path, name)) if name in section else text


def _sections(text: str) -> dict[Path, dict[str, Any]]:
    """Where `access` says something by name."""
    access = read(text, "").data.get("access") or {}
    found: dict[Path, dict[str, Any]] = {
        (key,): value
        for key, value in access.items()
        if isinstance(value, dict) and key not in ("levels", "seed_users")
    }
    return found | {("levels", "define"): (access.get("levels") or {}).get("define") or {}}


def _grants(text: str) -> list[Any]:
    found: list[Any] = (read(text, "").data.get("access") or {}).get("grants") or []
    return found
