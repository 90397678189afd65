"""Writes the lists of what an engine has before anybody adds to it: `portcullis/families/opensearch/known/<engine>.json`.

    python tests/model/generate_known.py jars FOLDER_WITH_JARS
    python tests/model/generate_known.py files NAME SOURCE_NOTE ACTION_GROUPS_YML ROLES_YML     # versions that no node runs here

FOLDER_WITH_JARS holds the jars of one OpenSearch version, the Security plugin's among them, and beside it a folder `defaults` with the
plugin's default `roles.yml` and `tenants.yml`: that is how `make demo` lays out a node. Roles, action groups and tenants are read from
`static_config/` inside the plugin and from the defaults; permissions are the action names in the constant pools of all classes (every
transport action names itself there) and whatever the roles and groups name. Only names with one of the engine's prefixes are kept.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import yaml

KNOWN = Path(__file__).parents[2] / "layers/portcullis/portcullis/families/opensearch/known"
# A CONSTANT_Utf8 entry is tag 1, a length of two bytes, and the text; the length proves that the text is whole.
_CONSTANT = re.compile(rb"\x01(..)((?:indices|cluster|restapi|kibana|security):[A-Za-z0-9_./:*\[\]-]+)", re.DOTALL)


def permissions(jars: list[Path]) -> set[str]:
    """Every action name that a class of these jars holds as a constant."""
    found = set()
    for jar in jars:
        with zipfile.ZipFile(jar) as archive:
            for entry in archive.namelist():
                if entry.endswith(".class"):
                    for length, text in _CONSTANT.findall(archive.read(entry)):
                        size = int.from_bytes(length, "big")
                        name = text[:size].decode()
                        if len(text) >= size and "/" in name and not name.endswith((":", "/")):
                            found.add(name)
    return found


def documents(text: str) -> dict[str, Any]:
    """The documents of one configuration file, without its head and without the flags that only GET shows."""
    held = yaml.safe_load(text) or {}
    shown = {"reserved", "hidden", "static"}
    return {
        n: {k: v for k, v in d.items() if k not in shown}
        for n, d in held.items()
        if n != "_meta" and isinstance(d, dict)
    }


def from_files(name: str, source: str, action_groups: Path, roles: Path) -> Path:
    """Generate a list from the configuration files of Open Distro, in the form of 6.x (names only for roles) or of 7.x."""
    groups = {
        group: {"allowed_actions": held.get("allowed_actions", held.get("permissions"))}
        | ({"type": held["type"]} if "type" in held else {})
        for group, held in documents(action_groups.read_text()).items()
    }
    defined = {
        role: {
            k: v
            for k, v in held.items()
            if k in ("cluster_permissions", "index_permissions", "tenant_permissions", "description")
        }
        for role, held in documents(roles.read_text()).items()
    }
    return write(
        name,
        {
            "source": f"{source}. Written by tests/model/generate_known.py",
            "action_groups": dict(sorted(groups.items())),
            "roles": dict(sorted(defined.items())),
            "tenants": ["global_tenant"],
            "permissions": [],
        },
    )


def write(name: str, held: dict[str, Any]) -> Path:
    KNOWN.mkdir(exist_ok=True)
    path = KNOWN / f"{name}.json"
    path.write_text(json.dumps(held, indent=1, ensure_ascii=False) + "\n")
    return path


def from_jars(folder: Path) -> Path:
    """Generate the list of the version in this folder; returns the file written."""
    plugin = next(
        p for p in sorted(folder.glob("opensearch-security-*.jar")) if re.fullmatch(r"opensearch-security-\d.*", p.stem)
    )
    version = ".".join(plugin.stem.removeprefix("opensearch-security-").split(".")[:2])
    with zipfile.ZipFile(plugin) as archive:
        static = {
            k: documents(archive.read(f"static_config/static_{k}.yml").decode())
            for k in ("roles", "action_groups", "tenants")
        }
    defaults = {k: documents((folder.parent / "defaults" / f"{k}.yml").read_text()) for k in ("roles", "action_groups")}
    roles = {**defaults["roles"], **static["roles"]}
    groups = {**defaults["action_groups"], **static["action_groups"]}
    names = permissions(sorted(folder.glob("*.jar")))
    for role in roles.values():
        names |= set(role.get("cluster_permissions", ()))
        names |= {a for entry in role.get("index_permissions", ()) for a in entry.get("allowed_actions", ())}
    names |= {a for group in groups.values() for a in group["allowed_actions"]}
    return write(
        f"opensearch-{version}",
        {
            "source": f"{plugin.stem}: static_config/*.yml of its jar and the default roles.yml; permissions"
            " from the constant pools of all jars of that version. Written by tests/model/generate_known.py",
            "action_groups": dict(sorted(groups.items())),
            "roles": dict(sorted(roles.items())),
            "tenants": sorted(static["tenants"]),
            "permissions": sorted(n for n in names if ":" in n),
        },
    )


if __name__ == "__main__":
    if sys.argv[1] == "jars":
        print(from_jars(Path(sys.argv[2])))
    else:
        print(from_files(sys.argv[2], sys.argv[3], Path(sys.argv[4]), Path(sys.argv[5])))
