"""Who reaches port 443 of a domain: its security groups, as far as the place is known that somebody calls from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from portcullis.access.actual import Json
from portcullis.access.truth import Truth, any_of

_PORT = 443


@dataclass(frozen=True, slots=True)
class Network:
    """`groups`: each security group of the domain -> its ingress rules, as EC2 has them. `endpoints`: VPC endpoints to it -> whose.
    `automation`, `break_glass`: the groups of the functions, in which nobody calls from, and of the machine for break-glass."""

    groups: Mapping[str, Sequence[Json]]
    endpoints: Mapping[str, str]
    automation: str = ""
    break_glass: str = ""

    def called(self, source: str) -> str:
        """A source of a rule in words: a group of ours by whose it is."""
        whose = {self.automation: "the automation", self.break_glass: "break-glass"}.get(source, "") if source else ""
        return f"{source} (of {whose})" if whose else source


@dataclass(frozen=True, slots=True)
class Reached:
    """`sources`: what is let in at all, in words; `missing`: what would have to be known; `but`: by what the answer would be another, which
    is so only where somebody made it so for an emergency; `by`: the security groups that let in, each of which would be enough."""

    reached: Truth
    sources: tuple[str, ...]
    missing: str = ""
    but: str = ""
    by: tuple[str, ...] = ()


def reached(network: Network, address: str, endpoint: str) -> Reached:
    """Whether somebody reaches it: from an IP address, or through a VPC endpoint. Without either: whether anybody does."""
    rules = [rule for some in network.groups.values() for rule in some if _covers(rule)]
    let_in = tuple(dict.fromkeys(source for rule in rules for source in _sources(rule)))
    sources = tuple(map(network.called, let_in))
    through = tuple(f"the VPC endpoint {one}" for one in sorted(network.endpoints))
    if endpoint:
        if endpoint in network.endpoints:
            return Reached(None, (*sources, *through), f"what the security groups of {endpoint} let in")
        return Reached(False, (*sources, *through))
    if not address:
        # An endpoint lets in by no group of the domain's.
        by = () if through else tuple(group for group, some in network.groups.items() if any(map(_lets_in, some)))
        return Reached(bool(sources or through), (*sources, *through), by=by)
    by = tuple(group for group, some in network.groups.items() if any(_lets_in(rule, address) for rule in some))
    if by:
        return Reached(True, sources, by=by)
    others = [source for source in let_in if source.startswith(("sg-", "pl-")) or "/sg-" in source]
    unclear = [source for source in others if source not in (network.automation, network.break_glass)]
    if unclear:
        return Reached(None, sources, f"whether {address} belongs to {' or '.join(unclear)}")
    if network.break_glass in others:
        return Reached(
            False,
            sources,
            but=f"whether somebody put the machine at {address} into {network.break_glass}, for break-glass",
        )
    return Reached(False, sources)


def _lets_in(rule: Json, address: str = "") -> bool:
    """This address; without one: anybody."""
    if not _covers(rule):
        return False
    return (
        any_of(_within(address, one) for one in _blocks(rule)) is True if address else any(True for _ in _sources(rule))
    )


def _covers(rule: Json) -> bool:
    if str(rule.get("IpProtocol")) == "-1":
        return True
    first, last = int(rule.get("FromPort", -1)), int(rule.get("ToPort", -1))
    return str(rule.get("IpProtocol")) in ("tcp", "6") and first <= _PORT <= last


def _blocks(rule: Json) -> Iterator[str]:
    yield from (str(one["CidrIp"]) for one in rule.get("IpRanges") or ())
    yield from (str(one["CidrIpv6"]) for one in rule.get("Ipv6Ranges") or ())


def _sources(rule: Json) -> Iterable[str]:
    yield from _blocks(rule)
    yield from (str(one["PrefixListId"]) for one in rule.get("PrefixListIds") or ())
    for pair in rule.get("UserIdGroupPairs") or ():
        yield str(pair.get("GroupId") or pair.get("GroupName"))


def _within(address: str, block: str) -> Truth:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(block, strict=False)
    except ValueError:
        return None
