"""The JVM of the keystore tool, kept up beside a node: see keystore.py for why."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from local.elastic.keystore import SERVE, SOCKET, TOOL
from local.processes import Child


class KeystoreServer:
    """As a context; and as long as whoever made it. `home` is that of a node, which may run or not."""

    def __init__(self, home: Path) -> None:
        self._socket = home / SOCKET
        self._child = Child("the keystore tool", [*TOOL, SERVE, str(home)], log=home / "keystore.log", guarded=False)

    @property
    def answers(self) -> bool:
        """Until it does, the tool does without it."""
        return self._child.running and self._socket.exists()

    def __enter__(self) -> Self:
        self._child.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self._child.stop()
        self._socket.unlink(missing_ok=True)
