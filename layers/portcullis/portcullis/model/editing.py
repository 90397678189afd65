"""Changes to a deployment file's text that keep its comments, its order and its spelling."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from portcullis.access.config import Json
from portcullis.access.plan import By, Subject
from portcullis.errors import BadInput
from portcullis.model.loading import loads
from portcullis.model.names import did_you_mean

Change = Callable[[CommentedMap], None]


def edit(text: str, change: Change, source: str = "the deployment file") -> str:
    """`text` with one change made to it. The result is a valid deployment file; BadInput if it would not be, or if `text` is not one."""
    before = loads(text, source)
    yaml = _yaml(text)
    document = yaml.load(text)
    change(document)
    out = StringIO()
    yaml.dump(document, out)
    edited = out.getvalue()
    if loads(edited, source) == before:
        return text  # nothing changed: not even a space
    return edited


def add_grant(subject: Subject, *, role: str = "", level: str = "", by: By | None = None) -> Change:
    """Grant a role or a level to a subject, after the other grants. Granting it twice is granting it once."""

    def change(document: CommentedMap) -> None:
        grants = _at(document, "access").setdefault("grants", CommentedSeq())
        if any(_is(grant, subject, role, level, by) for grant in grants):
            return
        to = CommentedMap({subject.kind.value: subject.name})
        if by is not None and by is not By.MEMBERS:
            to["by"] = by.value
        grant = CommentedMap({"level": level} if level else {"role": role})
        grant["to"] = to
        # Flow style, one grant a line, as the presets write them, unless this file writes them otherwise.
        if not grants or (isinstance(grants[-1], CommentedMap) and grants[-1].fa.flow_style()):
            grant.fa.set_flow_style()
            to.fa.set_flow_style()
        _append(grants, grant)

    return change


def remove_grant(subject: Subject, *, role: str = "", level: str = "", by: By | None = None) -> Change:
    """Take a grant out. BadInput if it is not there."""

    def change(document: CommentedMap) -> None:
        grants = _at(document, "access").get("grants", [])
        found = [i for i, grant in enumerate(grants) if _is(grant, subject, role, level, by)]
        if not found:
            raise BadInput(
                f"no grant of {role or level} to {subject}",
                source="the deployment file",
                place="access.grants",
                remedy=did_you_mean(f"{role or level} to {subject}", (_words(grant) for grant in grants))
                or "there are no grants at all",
            )
        for i in reversed(found):
            grants.pop(i)

    return change


def set_access(key: str, name: str, value: Json | None) -> Change:
    """Set `access.<key>.<name>` (roles, action_groups, tenants, users, and_backend_roles) to a value, or take it out with None."""

    def change(document: CommentedMap) -> None:
        section = _at(_at(document, "access"), key)
        if value is None:
            section.pop(name, None)
        else:
            section[name] = value

    return change


def _yaml(text: str) -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100_000  # never break a line that was not broken
    mapping, sequence, offset = _indents(text)
    yaml.indent(mapping=mapping, sequence=sequence, offset=offset)
    return yaml


def _indents(text: str) -> tuple[int, int, int]:
    """(mapping, sequence, offset): how this file indents, by its first indented key and its first list item in block style."""
    mapping, previous = 2, 0
    for line in text.splitlines():
        stripped = line.lstrip(" ")
        indent = len(line) - len(stripped)
        if stripped and not stripped.startswith(("#", "-")) and indent > previous == 0:
            mapping = indent
            break
        if stripped and not stripped.startswith("#"):
            previous = indent
    parent = 0
    for line in text.splitlines():
        stripped = line.lstrip(" ")
        indent = len(line) - len(stripped)
        if stripped.startswith("- "):
            offset = max(indent - parent, 0)
            return mapping, offset + 2, offset
        if stripped and not stripped.startswith("#"):
            parent = indent
    return mapping, mapping + 2, mapping


def _at(mapping: CommentedMap, key: str) -> Any:
    if mapping.get(key) is None:
        mapping[key] = CommentedMap()
    return mapping[key]


def _is(grant: Any, subject: Subject, role: str, level: str, by: By | None) -> bool:
    to = grant["to"]
    same_way = by is None or to.get("by", By.MEMBERS.value) == by.value
    return (
        to.get(subject.kind.value) == subject.name
        and grant.get("role", "") == role
        and grant.get("level", "") == level
        and same_way
    )


def _append(items: CommentedSeq, item: Any) -> None:
    """Append, and keep what stood after the last item (a blank line, a comment) after the new one."""
    trailing = items.ca.items.pop(len(items) - 1, None) if items and not _own_comment(items[-1]) else None
    items.append(item)
    if trailing is not None:
        items.ca.items[len(items) - 1] = trailing


def _own_comment(item: Any) -> bool:
    return bool(getattr(item, "ca", None) and item.ca.items)


def _words(grant: Any) -> str:
    kind, name = next((k, v) for k, v in grant["to"].items() if k != "by")
    return f"{grant.get('role') or grant.get('level')} to {kind}:{name}"
