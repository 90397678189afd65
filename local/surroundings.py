"""What of a person's environment the embedded default minds: nothing of their own AWS set-up, and no proxy before this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, MutableMapping

_HERE = "127.0.0.1,localhost"
_NO_PROXY = (
    "NO_PROXY",
    "no_proxy",
)  # some programs read the one, some the other, and the lower-case one counts where both are there
# Neither files with profiles nor the role of the machine that this runs on.
_NOBODY = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def set_aside(environment: MutableMapping[str, str] = os.environ) -> None:
    """Leave out the person's profile, keys, endpoints and files of AWS, and reach loopback past their proxy.

    What starts the embedded default does this first: a profile that is not there would end it, and a proxy would be asked for what
    listens on this machine alone. For everything else the proxy stays: the packages may come by it.
    """
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
    environment.update(_NOBODY)
    given = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    for name in _NO_PROXY:
        environment[name] = given if given == "*" else ",".join(filter(None, (given, _HERE)))


def for_a_shell(variables: Iterable[tuple[str, str]]) -> str:
    """A file that a shell reads (`. FILE`): `variables` of AWS and others, with the person's own set aside in that shell as here."""
    lines = [
        "# For this shell alone: the emulated AWS in place of your own, and no proxy before this machine.",
        r"for name in $(env | sed -n 's/^\(AWS_[A-Za-z0-9_]*\)=.*/\1/p'); do unset $name; done",
        *(f"export {name}={value}" for name, value in (*_NOBODY.items(), *variables)),
        *(f'export {name}="{_HERE}${{{name}:+,${name}}}"' for name in _NO_PROXY),
    ]
    return "\n".join(lines) + "\n"
