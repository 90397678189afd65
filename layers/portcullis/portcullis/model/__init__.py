"""The deployment file: read, checked, explained, turned into an access model.

Names are loaded when first used, so that importing this room costs no YAML parser and no validator.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portcullis.model.accepting import Accepted as Accepted
    from portcullis.model.accepting import accept as accept
    from portcullis.model.access_types import Environment as Environment
    from portcullis.model.account import ACCOUNT_FILE as ACCOUNT_FILE
    from portcullis.model.account import Account as Account
    from portcullis.model.account import Network as Network
    from portcullis.model.account import ReportPages as ReportPages
    from portcullis.model.account import Subnets as Subnets
    from portcullis.model.account import deployment_files as deployment_files
    from portcullis.model.account import examine_account as examine_account
    from portcullis.model.account import load_account as load_account
    from portcullis.model.elasticsearch.types import OnCluster as OnCluster
    from portcullis.model.json_schema import schema as schema
    from portcullis.model.linting import as_error as as_error
    from portcullis.model.linting import lint as lint
    from portcullis.model.linting import require as require
    from portcullis.model.lints.findings import CODES as CODES
    from portcullis.model.lints.findings import Facts as Facts
    from portcullis.model.lints.findings import Finding as Finding
    from portcullis.model.lints.findings import Severity as Severity
    from portcullis.model.offer_file import OfferFacts as OfferFacts
    from portcullis.model.offer_file import OfferFile as OfferFile
    from portcullis.model.offer_file import offer_of as offer_of
    from portcullis.model.offer_file import read_offer as read_offer
    from portcullis.model.offer_file import written as written
    from portcullis.model.policy import access_policy as access_policy
    from portcullis.model.resolving import options as options
    from portcullis.model.resolving import resolve as resolve
    from portcullis.model.resolving import secrets as secrets
    from portcullis.model.text.editing import add_grant as add_grant
    from portcullis.model.text.editing import edit as edit
    from portcullis.model.text.editing import set_access as set_access
    from portcullis.model.text.editing import take_parts as take_parts
    from portcullis.model.text.loading import examine as examine
    from portcullis.model.text.loading import load as load
    from portcullis.model.text.loading import loads as loads
    from portcullis.model.text.loading import text_of as text_of
    from portcullis.model.text.reading import LARGEST as LARGEST
    from portcullis.model.text.starting import start as start
    from portcullis.model.text.starting import start_account as start_account
    from portcullis.model.types import Configuration as Configuration
    from portcullis.model.types import Deployment as Deployment
    from portcullis.model.types import OnDomain as OnDomain

_HOME = {
    "ACCOUNT_FILE": "account",
    "Account": "account",
    "Network": "account",
    "ReportPages": "account",
    "Subnets": "account",
    "deployment_files": "account",
    "examine_account": "account",
    "load_account": "account",
    "CODES": "lints.findings",
    "Facts": "lints.findings",
    "Finding": "lints.findings",
    "Severity": "lints.findings",
    "add_grant": "text.editing",
    "edit": "text.editing",
    "set_access": "text.editing",
    "take_parts": "text.editing",
    "as_error": "linting",
    "lint": "linting",
    "require": "linting",
    "examine": "text.loading",
    "load": "text.loading",
    "LARGEST": "text.reading",
    "loads": "text.loading",
    "text_of": "text.loading",
    "access_policy": "policy",
    "options": "resolving",
    "resolve": "resolving",
    "secrets": "resolving",
    "schema": "json_schema",
    "start": "text.starting",
    "start_account": "text.starting",
    "Configuration": "types",
    "Deployment": "types",
    "Accepted": "accepting",
    "accept": "accepting",
    "OfferFacts": "offer_file",
    "OfferFile": "offer_file",
    "offer_of": "offer_file",
    "read_offer": "offer_file",
    "written": "offer_file",
    "OnCluster": "elasticsearch.types",
    "OnDomain": "types",
    "Environment": "access_types",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = found
    return found
