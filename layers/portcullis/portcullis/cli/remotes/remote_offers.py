"""`portcullis remote offer`, `remote accept`: what two administrators have to agree on, in one signed file without a secret."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from portcullis.cli.account import file_of, target
from portcullis.cli.console import console, output_options, when
from portcullis.cli.files import write_back, write_new
from portcullis.cli.questions.asking import which
from portcullis.cli.remotes.offer_signature import fingerprint, load_key, public_of, sign, verified
from portcullis.errors import BadInput, Refused
from portcullis.remotes.comparing import in_words
from portcullis.words import line

if TYPE_CHECKING:
    from portcullis.model import Accepted, OfferFacts

_KEY_VARIABLE = "PORTCULLIS_OFFER_KEY"


def _now() -> datetime:
    return datetime.now(UTC)


@click.command("offer", short_help="Write a signed file of what another cluster may read of this one.")
@click.argument("name")
@click.argument("out", metavar="[FILE]", required=False)
@which
@click.option(
    "--sign-with",
    "key",
    metavar="KEY",
    envvar=_KEY_VARIABLE,
    help=f"File with your private key: Ed25519, of OpenSSH or PKCS #8.  [env: {_KEY_VARIABLE}]",
)
@click.option("--by", metavar="WHO", help="Who makes it, as the other side knows you. Default: your name here.")
@click.option(
    "--valid-days", default=14, show_default=True, type=click.IntRange(1, 90), help="How long it may be accepted."
)
@output_options
def remote_offer(
    name: str, out: str | None, target_: str | None, key: str | None, by: str | None, valid_days: int
) -> None:
    """Write what the offer NAME of a deployment file says into FILE (DEPLOYMENT-NAME.offer.json; - prints it), signed with your key,
    for whoever runs the cluster that reads. Nobody is asked, and no secret is in it: the key's text travels in the secret that the offer
    names.

    Tell them the fingerprint that is shown by another road than the file takes: on the telephone, or where they know your keys from.

    \b
    Examples:
      ssh-keygen -t ed25519 -N '' -f offers.key
      portcullis remote offer for-orders -d logs --sign-with offers.key
      portcullis remote offer for-orders - -d deployments/logs.yaml --sign-with offers.key | jq .facts

    Exit status: 0 written, 1 refused, 2 bad input.
    """
    from portcullis import model

    path = file_of(target(target_))
    deployment = model.load(path)
    model.require(deployment)
    if not isinstance(deployment, model.OnCluster):
        raise Refused(f"{deployment.deployment} is no Elasticsearch cluster: it gives no keys to others")
    if not key:
        remedy = "ssh-keygen -t ed25519 -N '' -f offers.key makes one; then --sign-with offers.key"
        raise BadInput("nothing to sign with", source="command", place="--sign-with", remedy=remedy)
    facts = model.offer_of(deployment, name, _now(), timedelta(days=valid_days), by or _who())
    private = load_key(Path(key), lambda: str(click.prompt("Passphrase", hide_input=True, err=True)))
    text = model.written(model.OfferFile(facts, sign(facts.message(), private)))
    signer = fingerprint(public_of(private))
    if out == "-":
        click.echo(text, nl=False)
        return
    file = Path(out or f"{facts.deployment}-{facts.offer.replace(' ', '_')}.offer.json")
    write_new(file, text)
    if console().as_data:
        console().data({"file": str(file), "signer": signer, "facts": facts.document()})
        return
    console().prose(f"{file} written, good until {when(facts.ends)}", fg="green")
    _say(_of_facts(facts))
    console().prose(f"signed with {signer}: tell them this by another road than the file takes", bold=True)


@click.command("accept", short_help="Take what another cluster offers into a deployment file.")
@click.argument("offer", metavar="OFFER")
@which
@click.option("--as", "alias", metavar="ALIAS", help="What people here call it. Default: the name of its deployment.")
@click.option(
    "--credential", metavar="SECRET", help="Secret that the key's text is in here. Default: as the offer says."
)
@click.option(
    "--signer", metavar="SHA256:...", help="Fingerprint of the key that has to have signed it, as you were told."
)
@click.option("--ca", metavar="FILE", help="Write the certificates of its CA there, for the nodes of this cluster.")
@click.option("--print", "only_print", is_flag=True, help="Print what would be written, and write nothing.")
@output_options
def remote_accept(
    offer: str,
    target_: str | None,
    alias: str | None,
    credential: str | None,
    signer: str | None,
    ca: str | None,
    only_print: bool,
) -> None:
    """Take what the file OFFER says into the deployment file of the cluster that reads, under remotes.ALIAS, and say what it means
    here: who may read it by which role, and what the other side will refuse. Of a later offer it says what narrows and what widens.

    It is verified first: not a sign of it was changed, it is signed with the key whose fingerprint you name with --signer (of a later
    one: with the same as before), and it has not ended. What somebody wrote by hand is never written over. Nobody is asked.

    \b
    Examples:
      portcullis remote accept logs-for-orders.offer.json -d orders --print
      portcullis remote accept logs-for-orders.offer.json -d orders --as dc2 --signer SHA256:4WSN...

    Exit status: 0 written, or nothing to change, 1 refused, 2 bad input: the offer's file, too.
    """
    from portcullis import model
    from portcullis.model.text.loading import text_of

    path = file_of(target(target_))
    text = text_of(path)
    file = model.read_offer(_text(offer), offer, _now())
    found = verified(file.facts.message(), file.signature, offer)
    if signer is not None and signer != found:
        raise Refused(
            f"{offer} is signed with {found}, and not with {line(signer, 100)}: whoever made it is not who you named"
        )
    done = model.accept(text, str(path), file.facts, found, alias or "", credential or "")
    vouched = signer is not None or done.again
    if not only_print:
        if not vouched:
            raise Refused(
                f"nobody has said whose key {found} is: ask {file.facts.made_by} for their fingerprint, by another road than "
                f"this file came, and name what they say with --signer; --print shows what is offered"
            )
        if ca and file.facts.ca and not _is_there(Path(ca), file.facts.ca):
            write_new(Path(ca), file.facts.ca)
        if done.text != text:
            write_back(path, text, done.text)
    if console().as_data:
        console().data(_as_data(file.facts, found, vouched, done, path, text, only_print))
        return
    changed = done.text != text
    if only_print:
        what = f"would be written to {path}" if changed else f"nothing to change in {path}"
        whose = "" if vouched else ": nobody said whose key that is"
        _say(_meaning(file.facts, f"{found}{whose}", done, what, ca), "# ")
        click.echo(done.block, nl=False)
        return
    _say(_meaning(file.facts, found, done, f"written to {path}" if changed else f"nothing to change in {path}", ca))


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "nobody said who"


def _text(path: str) -> str:
    try:
        return Path(path).read_bytes().decode("utf-8")  # line ends as they are: they are part of what is compared
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "is no text"
        raise BadInput(f"cannot be read: {problem}", source=path, remedy="the file that remote offer wrote") from None


def _is_there(path: Path, text: str) -> bool:
    """From a run that got no further."""
    try:
        return path.read_text("utf-8") == text
    except (OSError, ValueError):
        return False


Said = tuple[str, str | None]  # a sentence, and its colour


def _say(sentences: Iterable[Said], before: str = "") -> None:
    """`before`: what each line begins with: the sign of a comment, where a file is printed."""
    for words, colour in sentences:
        inner = " " * (len(words) - len(words.lstrip()) + 2)
        console().prose(f"{before}{line(words, 4000)}", f"{before}{inner}", fg=colour)


def _of_facts(facts: OfferFacts) -> Iterator[Said]:
    yield f"{facts.deployment} ({facts.engine}) at {facts.address}, by {facts.model}, allows:", None
    yield from ((f"  {one}", None) for one in in_words(facts.allows.document()))
    ca = "a CA of its own" if facts.ca else "the CAs that everybody trusts"
    yield f"its certificate: {facts.server_name}, of {ca}; each key ends after {facts.key_days} days", None
    yield f"the key's text: in the secret {facts.secret}, and in no file", None


def _meaning(facts: OfferFacts, signer: str, done: Accepted, what: str, ca: str | None) -> Iterator[Said]:
    """What an offer is to the people of this side."""
    alias = done.alias
    yield f"{facts.offer} of {facts.deployment} is {alias} here: {what}", "green"
    yield f"made {when(facts.made)} by {facts.made_by}, signed with {signer}", None
    yield from _of_facts(facts)
    if done.again and not done.changed:
        yield "it allows what was agreed before", None
    if done.again:
        yield from ((f"this narrows: {one}", "yellow") for one in done.difference.narrower)
        yield from ((f"this widens: {one}", "green") for one in done.difference.wider)
        yield from ((one, "yellow") for one in done.changes)
    for one in done.roles:
        people = ", ".join(one.people) or "nobody"
        yield f"the role {one.role} asks for {', '.join(one.asks)}; granted to {people}", None
        if one.beyond:
            yield f"  {facts.deployment} refuses it what is beyond the key: {', '.join(one.beyond)}", "yellow"
    if not done.roles:
        yield f"no role here names {alias}: access.roles.ROLE.remote_indices lets people read it", "yellow"
    supers = f" ({', '.join(done.superusers)})" if done.superusers else ""
    yield f"super users of this cluster{supers} read all that the key allows, and no more", None
    if facts.ca and not ca:
        yield "the nodes here have to trust its CA: --ca FILE writes it", "yellow"


def _as_data(
    facts: OfferFacts, signer: str, vouched: bool, done: Accepted, path: Path, text: str, only_print: bool
) -> dict[str, Any]:
    return {
        "alias": done.alias,
        "file": str(path),
        "written": done.text != text and not only_print,
        "signer": signer,
        "vouched": vouched,
        "facts": facts.document(),
        "again": done.again,
        "narrower": done.difference.narrower,
        "wider": done.difference.wider,
        "changes": done.changes,
        "roles": [asdict(one) for one in done.roles],
        "superusers": done.superusers,
        "block": done.block,
    }
