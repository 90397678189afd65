"""Whether somebody wrote a document of access since it was read, by the sequence numbers of the security index."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from portcullis.access.actual import Json, Write
from portcullis.adapters.engines.answers import Transport
from portcullis.errors import Conflict
from portcullis.families.elasticsearch.documents.config import Kind

# Where the security index keeps a document: its kind there, and how its id begins.
_KEPT_AS = {Kind.ROLES: "role-", Kind.USERS: "user-", Kind.MAPPINGS: "role-mapping_"}
_MOST_KEPT = 10_000  # of one search
_PEOPLE = ("user", "reserved-user")


def _numbers_of(*types: str, mappings: bool = False) -> Json:
    """A search for the numbers of documents of these types, and for no document."""
    should: list[Json] = [{"terms": {"type": types}}]
    should += [{"term": {"doc_type": "role-mapping"}}] if mappings else []
    return {
        "size": _MOST_KEPT,
        "_source": False,
        "seq_no_primary_term": True,
        "version": True,
        "query": {"bool": {"should": should}},
    }


_EVERYTHING = _numbers_of("role", *_PEOPLE, mappings=True)
# Of less, where there is more of it than one search shows: of people we have to know more than of others.
_LESS = (_numbers_of(*_PEOPLE), _numbers_of("reserved-user"))
_RESERVED_USER = "reserved-user-"

Number = tuple[int, int]  # number, term


class Numbers:
    """Of one cluster, as whoever `transport` is. They are those of the last reading, whatever was looked at since; what a reading of
    some documents left out counts as not there, so that a write of it is a conflict."""

    def __init__(self, transport: Transport, name: str) -> None:
        self._transport, self._name = transport, name
        self._seen: dict[str, Number] | None = None  # document id -> its number when it was read; None: not read
        self._reserved: frozenset[str] = frozenset()  # ids of what is kept of the engine's own users
        self._ours: set[str] = set()  # ids written by us since
        self._users: dict[str, list[int]] = {}  # id -> version, number and term

    def read(self, *, whole: bool) -> None:
        """Right before the documents are. Not `whole`: no write is held against this reading, and people alone are looked at, by which a
        lock knows them again."""
        self._seen, self._ours = None, set()
        hits = self._hits(_EVERYTHING) if whole else None
        if hits is not None:
            self._seen = {hit["_id"]: (hit["_seq_no"], hit["_primary_term"]) for hit in hits}
        else:
            hits = next((found for asked in _LESS if (found := self._hits(asked)) is not None), [])
        users = {hit["_id"]: [hit["_version"], hit["_seq_no"], hit["_primary_term"]] for hit in hits}
        self._users = {one: number for one, number in users.items() if one.startswith(_KEPT_AS[Kind.USERS])}
        self._reserved = frozenset(one for one in users if one.startswith(_RESERVED_USER))

    def read_some(self, names: Mapping[Kind, Collection[str]]) -> None:
        """The same of these documents alone, which is the reading that writes are held against from here on."""
        kept = ((_KEPT_AS[kind], some) for kind, some in names.items() if kind in _KEPT_AS)
        self._seen, self._ours = self._of([f"{begins}{name}" for begins, some in kept for name in some]), set()
        self._users = {}

    def knows_reserved(self, user: str) -> bool:
        """Whether something is kept of a user of the engine's own."""
        return f"{_RESERVED_USER}{user}" in self._reserved

    def written(self, user: str) -> list[int]:
        """How often a native user was written, the number of the last write and its term; nothing where it was not looked at."""
        return self._users.get(f"{_KEPT_AS[Kind.USERS]}{user}", [])

    def nobody_wrote(self, write: Write) -> None:
        """Right before this write. Conflict if somebody wrote one of its documents since they were read."""
        begins = _KEPT_AS.get(Kind(write.kind))
        if self._seen is None or begins is None:
            return
        names = {f"{begins}{one['name']}": one["name"] for one in write.body}
        # What we have written since is ours: whether somebody wrote it after us is seen with the next reading.
        written = self._written_since([one for one in names if one not in self._ours])
        if written:
            said = ", ".join(f"{write.kind} {names[one]}" for one in written[:5])
            raise Conflict(f"{self._name}: somebody wrote {said} since it was read")
        self._ours |= names.keys()

    def _hits(self, asked: Json) -> list[Json] | None:
        """None where this account may not look, or there are too many."""
        status, body = self._transport("POST", "/.security/_search", None, asked)
        if status == 404:
            return []
        if status != 200:
            return None
        hits: list[Json] = body["hits"]["hits"]
        return None if len(hits) >= _MOST_KEPT else hits

    def _written_since(self, ids: list[str]) -> list[str]:
        """Those whose number is another than when they were read, or that are there now and were not."""
        if not ids or self._seen is None:
            return []
        now = self._of(ids)
        return [] if now is None else [one for one in ids if now.get(one) != self._seen.get(one)]

    def _of(self, ids: list[str]) -> dict[str, Number] | None:
        """Of those that are there; None where this account may not look."""
        status, body = self._transport("POST", "/.security/_mget", {"_source": "false"}, {"ids": ids})
        if status != 200:
            return None
        return {one["_id"]: (one["_seq_no"], one["_primary_term"]) for one in body["docs"] if one.get("found")}
