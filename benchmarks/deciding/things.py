"""What stands there before each request of asked_needs.py: requests of an administrator, each good to be sent again and again."""

from __future__ import annotations

import json
from typing import Any

Things = tuple[tuple[str, str, Any], ...]
_HELD = {"number_of_replicas": 0}
_DOCUMENTS = (("a", "1"), ("a", "x"), ("b", "1"), ("need-a", "1"), ("need-shut", "1"), ("need-gone", "1"))
_OPEN = "a,b,need-a,need-shut,need-gone"


def _bulk(kind: dict[str, str]) -> str:
    lines = [[{"index": {"_index": index, "_id": one, **kind}}, {"n": 1, "t": "x"}] for index, one in _DOCUMENTS]
    return "".join(f"{json.dumps(line)}\n" for pair in lines for line in pair)


def _repositories(folder: str, *names: str) -> Things:
    return tuple(
        ("PUT", f"/_snapshot/{one}", {"type": "fs", "settings": {"location": f"{folder}{one}"}}) for one in names
    )


_PATTERNS = {"index_patterns": ["zz-*"]}
_STREAMS = {"index_patterns": ["need-ds*"], "data_stream": {}, "template": {"settings": _HELD}}
FOR_OPENSEARCH: Things = (
    ("DELETE", "/need-new", None),
    ("DELETE", "/_data_stream/need-ds", None),
    ("PUT", "/need-a,need-gone,a,b/_settings", {"index.blocks.write": None}),
    ("POST", f"/{_OPEN}/_open?ignore_unavailable=true", None),
    ("POST", "/_bulk?refresh=true", _bulk({})),
    ("DELETE", "/need-ro-*", None),
    ("PUT", "/need-ro-000001", {"settings": _HELD, "aliases": {"need-ro": {"is_write_index": True}}}),
    ("PUT", "/need-w", {"settings": _HELD}),
    ("PUT", "/need-w/_block/write", None),
    ("PUT", "/_index_template/need-streams", _STREAMS),
    ("PUT", "/_data_stream/need-ds", None),
    *(("PUT", f"/_template/{one}", _PATTERNS) for one in ("one", "x")),
    *(("PUT", f"/_index_template/{one}", {"index_patterns": [f"zz{one}-*"]}) for one in ("one", "x")),
    *(("PUT", f"/_component_template/{one}", {"template": {}}) for one in ("one", "x")),
    *(("PUT", f"/_ingest/pipeline/{one}", {"processors": []}) for one in ("one", "x")),
    *(("PUT", f"/_scripts/{one}", {"script": {"lang": "mustache", "source": "{}"}}) for one in ("one", "need-none")),
    *_repositories("", "need-kept", "r", "one", "x"),
    *(
        (method, f"/_snapshot/{path}?wait_for_completion=true", {"indices": "need-a"})
        for path in ("need-kept/one", "r/s", "one/two")
        for method in ("PUT",)
    ),
    *(("DELETE", f"/_snapshot/{path}", None) for path in ("need-kept/new", "r/t")),
    ("DELETE", "/_cluster/voting_config_exclusions?wait_for_removal=false", None),
)
_PASSWORD = "Correct-horse-battery-9"  # noqa: S105 - of somebody on a node that is gone afterwards
_MAPPED = {"roles": ["x1"], "enabled": True, "rules": {"field": {"username": "nobody"}}}


def for_elastic(old: bool) -> Things:
    """`old`: 6.8, where a document has a type."""
    return (
        ("DELETE", "/n", None),
        ("POST", "/a,b/_open?ignore_unavailable=true", None),
        ("PUT", "/a,b/_settings", {"index.blocks.write": None}),
        ("POST", "/_bulk?refresh=true", _bulk({"_type": "_doc"} if old else {})),
        ("PUT", "/_template/x1", {**_PATTERNS, **({} if old else {"order": 1})}),
        ("PUT", "/_component_template/x1", {"template": {}}),
        ("PUT", "/_index_template/x1", {"index_patterns": ["zzone-*"]}),
        ("PUT", "/_ingest/pipeline/x1", {"processors": []}),
        ("PUT", "/_scripts/x1", {"script": {"lang": "mustache", "source": "{}"}}),
        ("PUT", "/_ilm/policy/x1", {"policy": {"phases": {}}}),
        *_repositories("", "x1"),
        ("PUT", "/_snapshot/x1/x2?wait_for_completion=true", {"indices": "a"}),
        ("PUT", "/_security/role/x1", {"cluster": ["monitor"]}),
        ("PUT", "/_security/user/x1", {"password": _PASSWORD, "roles": []}),
        ("PUT", "/_security/role_mapping/x1", _MAPPED),
        ("PUT", "/_security/privilege", {"x1": {"x2": {"actions": ["data:read/*"]}}}),
        ("DELETE", "/_cluster/voting_config_exclusions?wait_for_removal=false", None),
    )
