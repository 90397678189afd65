"""The deployment file: read, checked, explained, turned into an access model.

Names are loaded when first used, so that importing this room costs no YAML parser and no validator.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portcullis.model.loading import examine as examine
    from portcullis.model.loading import load as load
    from portcullis.model.loading import loads as loads
    from portcullis.model.policy import access_policy as access_policy
    from portcullis.model.resolving import options as options
    from portcullis.model.resolving import resolve as resolve
    from portcullis.model.resolving import secrets as secrets
    from portcullis.model.types import Configuration as Configuration
    from portcullis.model.types import Deployment as Deployment
    from portcullis.model.types import Environment as Environment

_HOME = {
    "examine": "loading",
    "load": "loading",
    "loads": "loading",
    "access_policy": "policy",
    "options": "resolving",
    "resolve": "resolving",
    "secrets": "resolving",
    "Configuration": "types",
    "Deployment": "types",
    "Environment": "types",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
