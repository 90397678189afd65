"""What may be asked for with a verb, where a person on call types it into a form or behind an option: said once, for both."""

from __future__ import annotations

from dataclasses import dataclass

DEPLOYMENT_NAME = "^[a-z][a-z0-9-]{2,20}$"


@dataclass(frozen=True, slots=True)
class Argument:
    """`pattern` is what Systems Manager accepts; `default` None: it has to be given."""

    says: str
    pattern: str
    default: str | None = None


DEPLOYMENT = Argument("Name of the deployment, as in its file.", DEPLOYMENT_NAME)
ARGUMENTS = {
    "reason": Argument("Why. It stands in the history and in the alert.", "^[^\\x00-\\x1f]{4,500}$"),
    "minutes": Argument("For how many minutes; empty: the most that the deployment file allows.", "^([0-9]{1,3})?$", ""),
    "write": Argument("true: it may write documents too. Else it only reads.", "^(true|false)$", "false"),
    "to": Argument("The deployment to move to, deployed already, with the new key.", DEPLOYMENT_NAME),
    "confirm": Argument(
        "To delete: the name of the deployment once more. To shred: the id of the key.", "^[A-Za-z0-9-]{3,64}$"
    ),
    "days": Argument("How many days KMS waits before it deletes the key.", "^(7|8|9|[12][0-9]|30)$", "30"),
    "name": Argument("Name of the snapshot.", "^[a-z0-9][a-z0-9._-]{0,254}$"),
    "indices": Argument("Names and patterns of indices, comma-separated.", '^[^\\x00-\\x20\\"]{1,500}$', "*"),
    "watch": Argument("What differs, as `portcullis roads` calls it.", "^[\\x21-\\x7e]{3,128}$"),
    "alias": Argument("By which name the other cluster is read, as in `remotes` of the file.", "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$"),
    "entry": Argument("Number of the entry in the history (1: the latest), or its time.", "^[0-9T.]{1,32}$"),
}  # fmt: skip
