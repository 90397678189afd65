"""`make up ENGINE=elasticsearch CLUSTERS=2`: team logs runs a cluster, and team orders another one, whose people read some of it.

What is there at first: each cluster with its deployment, and the one read by certificate. What the page docs/two-teams.md does with it is
left to whoever tries it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from portcullis.cli.remotes.offer_signature import fingerprint, public_of
from portcullis.errors import BadInput

from local.beside import BY_CERTIFICATE, OWNER, Beside
from local.cluster_people import ClusterPeople
from local.embedded import Parts
from local.node.files import write_private
from local.people import until

READS, IS_READ = "orders", "logs"
PERSON, GROUP = "anna", "readers"
PLACE = "two clusters"
SIGNS, FINGERPRINT = "offers.key", "offers.fingerprint"
DOCUMENTS = {
    "logs-1": ({"team": "red", "line": "order 4711 shipped"}, {"team": "blue", "line": "invoice 17 sent"}),
    "hr": ({"team": "red", "line": "anna was given a raise"},),
}


def parts(of_one: Parts) -> Parts:
    """The same with two clusters. BadInput for a release that has no keys between clusters."""
    if int(of_one.version.partition(".")[0]) < 8:
        raise BadInput(
            f"Elasticsearch {of_one.version} has no keys between clusters",
            source="environment",
            place="CLUSTERS",
            remedy="ELASTICSEARCH=9.5.3 or 8.19.21 beside it",
        )
    return replace(of_one, deployment=READS, beside=(IS_READ,))


def furnish(whole: Beside) -> dict[str, Any]:
    """Documents of team logs, a person of team orders, the super user of each, and what team logs signs with."""
    people = ClusterPeople(whole)
    people.join(people.cognito_user(PERSON), GROUP)
    read = whole.at(IS_READ)
    for index, documents in DOCUMENTS.items():
        for number, document in enumerate(documents, 1):
            read.as_owner("PUT", f"/{index}/_doc/{number}?refresh=true", document)
    anna = people.at_dashboards(PERSON)
    until(lambda: anna.ask("GET", f"/{BY_CERTIFICATE}:logs-1/_search").status_code == 200, what=f"{PERSON} reads logs")
    home = whole.parts.home
    # As curl reads it with -K, in this folder: who asks, and how the answer is shown.
    for user, password in ((PERSON, people.password(PERSON)), (OWNER, whole.owner)):
        lines = [f'user = "{user}:{password}"', f'cacert = "{whole.door_ca.relative_to(home.resolve())}"']
        lines += ['noproxy = "*"', "silent", "show-error", 'write-out = " %{http_code}\\n"']
        write_private(home / f"{user}.curl", ("\n".join(lines) + "\n").encode())
    signs = Ed25519PrivateKey.generate()
    write_private(home / SIGNS, signs.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    (home / FINGERPRINT).write_text(fingerprint(public_of(signs)) + "\n", encoding="utf-8")
    return {
        "place": PLACE,
        "version": whole.parts.version,
        "clusters": {name: whole.at(name).door for name in (READS, IS_READ)},
        "pool": people.pool,
        "node": {},
        "exported": {"ORDERS": f"https://{whole.door}"},
    }


def welcome(state: dict[str, Any]) -> str:
    """What to try next. The page has each step with what it prints."""
    clusters = "\n".join(f"  {name:<7} https://{door}" for name, door in state["clusters"].items())
    return f"""
Two clusters of Elasticsearch {state["version"]} are up, emulated AWS at {state["aws"]}:
{clusters}

{PERSON} of team {READS} reads some of {IS_READ}, by certificate; so does the super user of {READS}, all of it. In the folder with both
deployment files, as the owner of the account:
  . .portcullis/up.env; PATH=$PWD/.venv/bin:$PATH; cd .portcullis/run
  curl -K {PERSON}.curl "$ORDERS/{BY_CERTIFICATE}:logs-*/_search?filter_path=hits.hits._source"
  curl -K {OWNER}.curl "$ORDERS/{BY_CERTIFICATE}:hr/_search?filter_path=hits.hits._source"

From there to a key, beyond which nobody sees (docs/two-teams.md has every step, and what it prints):
  portcullis remote offer for-orders -d logs --sign-with {SIGNS} --by kim
  portcullis remote accept logs-for-orders.offer.json -d orders --as dc2 --signer "$(cat {FINGERPRINT})"
  portcullis apply deployments/logs.yaml                       # makes the key
  portcullis apply deployments/orders.yaml
  portcullis remote rotate orders dc2                          # into the keystore of orders; later: another one
  portcullis remote check orders dc2; portcullis remote explain {PERSON} dc2:hr -d orders
  portcullis lock logs --reason "a drill"; portcullis unlock logs
  portcullis remote migrate orders {BY_CERTIFICATE} --plan

Who may see what of both, and their timelines, live (the address is for you: whoever has it reads it):
  {state["page"]}

`make down` ends both."""
